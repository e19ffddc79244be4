/** The person pressed Ctrl-C: the command ends, the work goes on. */
export class Detached extends Error {
  override readonly name = 'Detached';

  constructor() {
    super('detached');
  }
}
