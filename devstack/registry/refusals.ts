/** Messages by field, as Django REST framework words them; a nested object has its own messages. */
export interface FieldMessages {
  readonly [field: string]: readonly string[] | FieldMessages;
}

/** An answer other than success; thrown anywhere while a call is served, and undoes what the call did. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** JSON, or the text of an HTML page. */
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`HTTP ${status}`);
  }
}

/** A refusal of what the request's body says. */
export class Invalid extends Refusal {
  constructor(readonly messages: FieldMessages) {
    super(400, messages);
  }
}

export function invalidFields(messages: FieldMessages): Invalid {
  return new Invalid(messages);
}

export function invalidObject(message: string): Invalid {
  return new Invalid({ non_field_errors: [message] });
}

export function forbidden(): Refusal {
  return new Refusal(403, { detail: 'You do not have permission to perform this action.' });
}

export function notFound(): Refusal {
  return new Refusal(404, { detail: 'Not found.' });
}

export function methodNotAllowed(method: string, allowed: readonly string[]): Refusal {
  return new Refusal(405, { detail: `Method "${method}" not allowed.` }, { allow: allowed.join(', ') });
}

/** What Django answers to what it does not foresee. */
export function serverFault(): Refusal {
  return new Refusal(500, htmlPage('Server Error (500)'), HTML);
}

export function unknownRoute(): Refusal {
  return new Refusal(404, htmlPage('Not Found'), HTML);
}

/** A request that is not even HTTP as it should be. */
export function badRequest(): Refusal {
  return new Refusal(400, htmlPage('Bad Request (400)'), HTML);
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };

function htmlPage(title: string): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n  <title>${title}</title>\n</head>\n<body>\n  <h1>${title}</h1>\n</body>\n</html>\n`;
}
