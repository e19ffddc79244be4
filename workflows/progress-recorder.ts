import {
  ApplicationFailure,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../contract';
import type { Need, Outcome, Progress, Stage, StageProgress, StepProgress, WorkflowName } from '../contract';

export const progressQuery = defineQuery<Progress>('progress');

const STAGE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.stage, SearchAttributeType.KEYWORD);
const OUTCOME = defineSearchAttributeKey(SEARCH_ATTRIBUTES.outcome, SearchAttributeType.KEYWORD);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenStage = Mutable<Omit<StageProgress, 'steps'>> & { steps: Mutable<StepProgress>[] };

/** What a step's function may add to its line while or after it runs. */
export type StepNotes = Pick<StepProgress, 'host' | 'reused' | 'detail' | 'shared' | 'steps'>;

/** A need while it is waited for. */
export interface OpenNeed {
  readonly facts: Need;
  note(more: Pick<Need, 'reminders'>): void;
}

/** Keeps what the workflow knows of itself and answers the `progress` query, the search attributes and the UI from it. */
export class ProgressRecorder {
  private readonly stages: OpenStage[];
  private needs: Need[] = [];
  private outcome: Outcome | null = null;

  constructor(
    private readonly model: string,
    private readonly benchmark: string | null,
    stages: readonly Stage[],
  ) {
    this.stages = stages.map((stage) => ({ stage, status: 'waiting', startedAt: null, endedAt: null, steps: [] }));
    setHandler(progressQuery, () => this.snapshot());
  }

  snapshot(): Progress {
    return {
      workflow: workflowInfo().workflowType as WorkflowName,
      model: this.model,
      benchmark: this.benchmark,
      stage: this.stages.find((stage) => stage.status === 'running')?.stage ?? null,
      stages: this.stages,
      needs: this.needs,
      outcome: this.outcome,
    };
  }

  /** Runs one stage of the tutorial and keeps its times and end. */
  async during<T>(name: Stage, work: (stage: StageRecorder) => Promise<T>): Promise<T> {
    const stage = this.stages.find((candidate) => candidate.stage === name);
    if (stage === undefined) throw ApplicationFailure.nonRetryable(`stage ${name} is not one of this workflow`);
    stage.status = 'running';
    stage.startedAt = now();
    upsertSearchAttributes([{ key: STAGE, value: name }]);
    this.describe();
    return this.finishing(stage, () => work(new StageRecorder(this, stage.steps)));
  }

  /** Shows that a person has to act for as long as `wait` takes. */
  async needing<T>(need: Omit<Need, 'since'>, wait: (open: OpenNeed) => Promise<T>): Promise<T> {
    const facts: Mutable<Need> = { ...need, since: now() };
    this.needs.push(facts);
    this.describe();
    const note: OpenNeed['note'] = (more) => {
      Object.assign(facts, more);
      this.describe();
    };
    try {
      return await wait({ facts, note });
    } finally {
      this.needs = this.needs.filter((other) => other !== facts);
      this.describe();
    }
  }

  end(outcome: Outcome): void {
    this.outcome = outcome;
    upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
    this.describe();
  }

  /** Sets the end of a stage or step, whichever way `work` ends. */
  async finishing<T>(
    part: { status: StepProgress['status']; endedAt: string | null },
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      const result = await work();
      part.status = 'done';
      return result;
    } catch (error) {
      part.status = isCancellation(error) ? 'cancelled' : 'failed';
      throw error;
    } finally {
      part.endedAt = now();
      this.describe();
    }
  }

  /** The text that Temporal's own UI shows beside the running workflow (Markdown). */
  private describe(): void {
    const lines = this.stages.map((stage) => {
      const running = stage.steps.filter((step) => step.status === 'running').map((step) => step.name);
      return `- **${stage.stage}**: ${stage.status}${running.length > 0 ? ` (${running.join('; ')})` : ''}`;
    });
    for (const need of this.needs) lines.push(`- needs ${need.what} from ${need.from}: ${need.message}`);
    if (this.outcome !== null) lines.push(`- outcome: **${this.outcome}**`);
    setCurrentDetails(lines.join('\n'));
  }
}

/** Adds steps to one stage. */
export class StageRecorder {
  constructor(
    private readonly recorder: ProgressRecorder,
    private readonly steps: Mutable<StepProgress>[],
  ) {}

  /** Runs one step; `id` becomes the activity's id, by which the server's pending activities are matched. */
  step<T>(id: string, name: string, work: () => Promise<T>, notes?: (result: T) => StepNotes): Promise<T> {
    return this.take(this.begin(id, name), work, notes);
  }

  /** As {@link step}, for what may find nothing: it then leaves no line. */
  async lookUp<T>(
    id: string,
    name: string,
    work: () => Promise<T | null>,
    notes: (found: T) => StepNotes,
  ): Promise<T | null> {
    const step = this.begin(id, name);
    const found = await this.take(step, work, (result) => (result === null ? {} : notes(result)));
    if (found === null) this.steps.splice(this.steps.indexOf(step), 1);
    return found;
  }

  private begin(id: string, name: string): Mutable<StepProgress> {
    const step: Mutable<StepProgress> = { name, status: 'running', startedAt: now(), endedAt: null, activityId: id };
    this.steps.push(step);
    return step;
  }

  private take<T>(step: Mutable<StepProgress>, work: () => Promise<T>, notes?: (result: T) => StepNotes): Promise<T> {
    return this.recorder.finishing(step, async () => {
      const result = await work();
      if (notes !== undefined) Object.assign(step, notes(result));
      return result;
    });
  }

  needing<T>(need: Omit<Need, 'since'>, wait: (open: OpenNeed) => Promise<T>): Promise<T> {
    return this.recorder.needing(need, wait);
  }
}

function now(): string {
  return new Date().toISOString();
}
