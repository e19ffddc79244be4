import type { Finding } from '../contract';

/** Gathers the findings about one file, so that a check reports all of them at once. */
export class Complaints {
  constructor(
    readonly file: string,
    readonly findings: Finding[] = [],
    private readonly code?: string,
  ) {}

  /** Complaints of one kind; they are gathered here. */
  under(code: string): Complaints {
    return new Complaints(this.file, this.findings, code);
  }

  error(line: number | undefined, message: string, fix: string): void {
    this.add('error', line, message, fix);
  }

  warning(line: number | undefined, message: string, fix: string): void {
    this.add('warning', line, message, fix);
  }

  private add(severity: Finding['severity'], line: number | undefined, message: string, fix: string): void {
    const { file, code } = this;
    const place = { file, ...(line === undefined ? {} : { line }) };
    this.findings.push({ severity, ...place, message, fix, ...(code === undefined ? {} : { code }) });
  }
}

const QUOTED_CHARACTERS = 80;

/** Text of the file as a message may show it: on one line, without characters that cannot be seen, cut short. */
export function quote(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return `"${plain.length > QUOTED_CHARACTERS ? `${plain.slice(0, QUOTED_CHARACTERS)}…` : plain}"`;
}
