import { MedperfError } from '../contract';

/**
 * The server's address in its one form: scheme, host, port and path, without a slash at the end.
 * @throws MedperfError `InvalidRequest` for anything but an http or https address without user, query or fragment.
 */
export function serverAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && ['http:', 'https:'].includes(url.protocol) && `${url.username}${url.password}` === '';
  if (!plain || url.search !== '' || url.hash !== '') {
    throw new MedperfError('InvalidRequest', {
      what: "The registry's address cannot be used.",
      expected: 'an address such as https://api.medperf.org or http://localhost:8000',
      // An address with a user or a query may carry a secret.
      found: plain || url === null || !['http:', 'https:'].includes(url.protocol) ? wordOf(text) : 'a user name in it',
      next: 'Give the address with its scheme, and nothing after the host, port and path.',
    });
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function wordOf(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.split(/[?#]/)[0]?.slice(0, 80));
}
