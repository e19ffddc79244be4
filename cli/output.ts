import type { ForeseenFailure } from './failures';
import { renderFailure } from './failures';

/** Results go to standard output, everything on the way there to standard error. */
export class Output {
  constructor(readonly json: boolean) {}

  /** One JSON object with `--json`, else the text. */
  result(value: unknown, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value, null, 2) : text()}\n`);
  }

  /** A part of a result that comes bit by bit. */
  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** What happens on the way to the result; silent with `--json`. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`);
  }

  failure(failure: ForeseenFailure): void {
    if (!this.json) process.stderr.write(`${renderFailure(failure)}\n`);
    else this.result({ error: { type: failure.type, ...failure.facts } }, () => '');
  }
}
