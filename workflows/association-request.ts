import { CancellationScope, CancelledFailure, isCancellation, log } from '@temporalio/workflow';
import type {
  AssociateResult,
  AssociationStanding,
  Decision,
  Digest,
  PairInput,
  TestRunResult,
  TestSubject,
} from '../contract';
import type { StageRecorder } from './progress-recorder';
import { registryCalls } from './proxies';

/** Ended by a decision, or sent, or not sent as the test no longer holds. */
type Sent =
  | { readonly decision: Decision; readonly changedTo: null }
  | { readonly decision: null; readonly changedTo: TestSubject | null };

/** The one request of a run that may be with the committee. */
export class AssociationRequest {
  private mayBePending: boolean;
  /** When the newest row was made that is known to be over; a later one of the user's own is this run's request. */
  private over: string | null;
  /** Of the pending request; null where somebody else sent it. */
  private results: Digest | null = null;

  constructor(
    private readonly pair: PairInput,
    private readonly standing: AssociationStanding,
    private readonly stage: StageRecorder,
  ) {
    this.mayBePending = standing.current === 'pending';
    this.over = this.mayBePending ? null : standing.newest;
  }

  get isSent(): boolean {
    return this.mayBePending;
  }

  /** True while the committee has just these results before it. */
  carries(test: TestRunResult): boolean {
    return this.mayBePending && this.results === test.candidate.results;
  }

  /** Sends the test's results; an earlier request with others is withdrawn, unless the committee was faster. */
  async send({ candidate: { results } }: TestRunResult, subject: TestSubject): Promise<Sent> {
    if (this.mayBePending) {
      const { decision } = await this.withdraw();
      if (decision !== null) return { decision, changedTo: null };
    }
    // Until an attempt has ended, nobody knows whether the request was made.
    this.mayBePending = true;
    const made = await this.stage.step('request', this.name(), () =>
      registryCalls['medperf.requestAssociation'].executeWithOptions(
        { activityId: 'request', cancellationType: 'WAIT_CANCELLATION_COMPLETED' },
        [{ ...this.pair, newest: this.over, subject, results }],
      ),
    );
    if (made.changedTo !== null) {
      this.mayBePending = false;
      return { decision: null, changedTo: made.changedTo };
    }
    this.results = made.carriesResults ? results : null;
    return { decision: null, changedTo: null };
  }

  /**
   * Lets no request outlive the run undecided. A decision that comes before the withdrawal is the end after all, unless
   * the run was cancelled or failed.
   */
  async withdrawnUnlessDecided(work: () => Promise<AssociateResult>): Promise<AssociateResult> {
    let end: AssociateResult;
    try {
      end = await work();
    } catch (error) {
      await this.withdraw().then(
        ({ decision }) => {
          if (decision !== null) log.warn('The committee had decided before the request was withdrawn.', { decision });
        },
        (withdrawal: unknown) => log.warn('The request could not be withdrawn.', { error: String(withdrawal) }),
      );
      // An attempt that ends badly after the cancellation is reported as a failure.
      if (isCancellation(error) || !CancellationScope.current().consideredCancelled) throw error;
      throw new CancelledFailure('cancelled while the request was sent');
    }
    if (end.decision === 'APPROVED' || end.decision === 'REJECTED') return end;
    const { decision } = await this.withdraw();
    return decision === null ? end : { ...end, decision };
  }

  private async withdraw(): Promise<{ readonly decision: Decision | null }> {
    if (!this.mayBePending) return { decision: null };
    const withdrawn = await CancellationScope.nonCancellable(() =>
      this.stage.step('withdraw', 'withdraw the request', () =>
        registryCalls['medperf.withdrawAssociation'].executeWithOptions({ activityId: 'withdraw' }, [
          { ...this.pair, over: this.over },
        ]),
      ),
    );
    this.mayBePending = false;
    this.over = withdrawn.over;
    return withdrawn;
  }

  private name(): string {
    return `request the association with ${this.standing.benchmark.name}`;
  }
}
