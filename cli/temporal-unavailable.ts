/** No Temporal server answers at the address that is configured. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';

  constructor(
    readonly address: string,
    cause: unknown,
  ) {
    super(`Temporal does not answer at ${address}.`, { cause });
  }
}
