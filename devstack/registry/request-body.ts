import { Refusal } from './refusals';

/**
 * The JSON of a request; an empty body counts as an empty object.
 * @throws Refusal 415 for another media type, 400 for what is not JSON.
 */
export function parseBody(contentType: string | undefined, body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType !== 'application/json') {
    throw new Refusal(415, { detail: `Unsupported media type "${contentType ?? ''}" in request.` });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, { detail: `JSON parse error - ${reason}` });
  }
}
