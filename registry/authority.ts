import { X509Certificate } from 'node:crypto';
import { MedperfError } from '../contract';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * The certificates of an authority, as PEM text without what else stands beside them, such as a private key.
 * @throws MedperfError `InvalidRequest` for text that holds none, or a damaged one.
 */
export function requireAuthority(text: string): string {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length > 0 && certificates.every(isCertificate)) return `${certificates.join('\n')}\n`;
  throw new MedperfError('InvalidRequest', {
    what: "The authority's certificate cannot be used.",
    expected: 'a PEM file: -----BEGIN CERTIFICATE-----, base64, -----END CERTIFICATE-----',
    found: certificates.length === 0 ? 'no certificate' : 'a damaged certificate',
    next: "Ask the server's operator for the certificate of the authority (CA) that issued the server's own.",
  });
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
