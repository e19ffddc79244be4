import { MedperfError } from '../contract';

/** Also what no URL parser takes, such as one with an impossible host. */
const WITH_USER = /^[a-z][a-z0-9+.-]*:[\\/]*[^\\/?#]*@/i;
/** What else has a colon and an @, such as an image by tag and digest, is no URL. */
const URL_LIKE = /^(direct:|https?:|[a-z][a-z0-9+.-]*:[\\/]{2})/i;

/**
 * A workflow's input is history, which many may read and nobody can delete from, so no URL in it may carry a user name or
 * password. A signature in the query, which expires, may stay.
 * @throws MedperfError `InvalidRequest` that names the field.
 */
export function refuseCredentials(input: object): void {
  for (const [field, part] of Object.entries(input)) {
    if (typeof part === 'object' && part !== null) refuseCredentials(part as object);
    if (typeof part !== 'string' || !hasCredentials(part)) continue;
    throw new MedperfError('InvalidRequest', {
      what: `The URL given as ${field} carries a user name or a password, which would stay in the run's history.`,
      expected: 'a URL without them',
      next: 'Host the file where it can be read without signing in, or give a signed URL that expires.',
    });
  }
}

function hasCredentials(text: string): boolean {
  // As URL parsers do: white space around it and line breaks within do not count.
  const address = text.trim().replace(/[\t\r\n]/g, '');
  if (!URL_LIKE.test(address)) return false;
  const plain = address.replace(/^direct:/i, '');
  if (WITH_USER.test(plain)) return true;
  return URL.canParse(plain) && `${new URL(plain).username}${new URL(plain).password}` !== '';
}
