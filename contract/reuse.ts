/** Where a result comes from, so that `run why` can tell it. Times are ISO 8601. */
export interface ResultOrigin {
  /** When its container ended. */
  readonly at: string;
  readonly host: string;
  /** Id of the workflow that it ran for, where that is recorded. */
  readonly run?: string;
}

/** What a container run is told apart by. */
export type ActionPart = 'contract version' | 'image' | 'entry point' | 'command' | 'environment' | 'input' | 'outputs';

/** One part of an action that is not as it was. */
export interface ActionDifference {
  readonly part: ActionPart;
  /** Which input or variable. */
  readonly name?: string;
  /** Absent where there was none. */
  readonly was?: string;
  /** Absent where there is none now. */
  readonly is?: string;
}

/** Why no result was reused. */
export type CacheMiss =
  | { readonly reason: 'first' }
  | { readonly reason: 'asked-for' }
  /** The same action ran before, and its result may not or can no longer be taken. */
  | { readonly reason: 'not-reusable'; readonly earlier: ResultOrigin }
  /** The nearest of the latest runs of the same cube and task. */
  | { readonly reason: 'differs'; readonly earlier: ResultOrigin; readonly differences: readonly ActionDifference[] };
