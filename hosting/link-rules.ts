import { isIP } from 'node:net';
import type { HostingCode, HostingFinding } from '../contract';
import { shownUrl } from '../store/file-request';
import { isPublicAddress } from '../store/private-addresses';

/** Code, message and fix. */
type Complaint = readonly [code: HostingCode, message: string, fix: string];
/** The parts of a URL's path, without the first slash. */
type Path = readonly string[];

const COMMIT = /^[0-9a-f]{40}$/;
const UPLOAD_AGAIN = 'put the file where its address stays, such as a release, Zenodo or a public bucket';

/**
 * What is wrong with a link whatever it serves today: a registry keeps it for years, and data owners follow it without a
 * browser.
 * @throws MedperfError `InvalidRequest` for what is no URL.
 */
export function judgeLink(address: string): HostingFinding[] {
  const shown = shownUrl(address);
  const url = new URL(address.trim().replace(/^direct:/, ''));
  const path = url.pathname.split('/').slice(1);
  const errors = [
    expiring(url),
    ofGitHub(url, path),
    ofHuggingFace(url, path),
    ofGitLab(path),
    ofSharing(url),
    latest(path),
  ];
  const [first] = errors.filter((complaint) => complaint !== null);
  const warning = ofReach(url);
  return [
    ...(first === undefined ? [] : [finding('error', shown, first)]),
    ...(warning === null ? [] : [finding('warning', shown, warning)]),
  ];
}

export function finding(
  severity: HostingFinding['severity'],
  file: string,
  [code, message, fix]: Complaint,
): HostingFinding {
  return { severity, file, code, message, fix };
}

/** Signed URLs, by the names that the stores give their signatures. */
function expiring({ searchParams }: URL): Complaint | null {
  const names = new Set([...searchParams.keys()].map((name) => name.toLowerCase()));
  const has = (...wanted: string[]): boolean => wanted.every((name) => names.has(name));
  const isSigned =
    names.has('x-amz-signature') ||
    names.has('x-goog-signature') ||
    has('expires', 'signature') ||
    has('key-pair-id', 'signature') ||
    has('sig', 'se');
  return isSigned
    ? [
        'expiring',
        'the link is signed, and ends with its signature',
        'make the object public and give its URL without the signature',
      ]
    : null;
}

function ofGitHub({ hostname, pathname }: URL, path: Path): Complaint | null {
  if (hostname === 'raw.githubusercontent.com') return gitReference(path[2], 'GitHub');
  if (hostname !== 'github.com') return null;
  const [owner = '', repository = '', kind = '', reference] = path;
  const raw = `https://raw.githubusercontent.com/${owner}/${repository}/COMMIT/${path.slice(4).join('/')}`;
  if (kind === 'blob') return ['page', "GitHub's page about the file", `give the file itself: ${raw}`];
  if (kind === 'raw') return gitReference(reference, 'GitHub');
  if (kind === 'archive' || pathname.endsWith('.git'))
    return [
      'mutable',
      'GitHub makes such an archive anew, with other bytes',
      'attach the file to a release and give its URL',
    ];
  if (kind === 'releases' && reference === 'latest')
    return ['mutable', 'whatever the latest release is', 'give the URL of that release: …/releases/download/TAG/FILE'];
  return null;
}

function ofHuggingFace({ hostname }: URL, path: Path): Complaint | null {
  if (hostname !== 'huggingface.co' && hostname !== 'hf.co') return null;
  const at = path.findIndex((part) => part === 'resolve' || part === 'raw' || part === 'blob');
  if (at < 0) return null;
  if (path[at] === 'blob')
    return ['page', "Hugging Face's page about the file", 'write "resolve/COMMIT" in place of "blob/…"'];
  return gitReference(path[at + 1], 'Hugging Face');
}

function ofGitLab(path: Path): Complaint | null {
  const at = path.indexOf('-');
  const kind = at < 0 ? undefined : path[at + 1];
  if (kind === 'blob') return ['page', "GitLab's page about the file", 'write "-/raw/COMMIT" in place of "-/blob/…"'];
  return kind === 'raw' ? gitReference(path[at + 2], 'GitLab') : null;
}

function gitReference(reference: string | undefined, host: string): Complaint | null {
  if (reference === undefined || COMMIT.test(reference)) return null;
  return [
    'mutable',
    `${host} serves whatever ${reference === 'refs' ? 'that branch or tag' : JSON.stringify(reference)} holds at the time`,
    'write the commit, 40 hexadecimal digits, in place of the branch or tag',
  ];
}

/** Places for people to share files, which ask or warn before they give a file. */
function ofSharing({ hostname, searchParams }: URL): Complaint | null {
  const under = (...domains: string[]): boolean =>
    domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  if (under('dropbox.com') && searchParams.get('dl') !== '1' && searchParams.get('raw') !== '1')
    return ['page', "Dropbox's page about the file", 'write "dl=1" in the query in place of "dl=0"'];
  if (under('drive.google.com', 'docs.google.com', 'drive.usercontent.google.com'))
    return ['page', 'Google Drive asks before it gives large files', UPLOAD_AGAIN];
  if (under('onedrive.live.com', '1drv.ms', 'sharepoint.com', 'box.com', 'icloud.com', 'mega.nz'))
    return ['page', 'a page for people to look at shared files', UPLOAD_AGAIN];
  if (under('we.tl', 'wetransfer.com')) return ['expiring', 'WeTransfer removes files after days', UPLOAD_AGAIN];
  return null;
}

function latest(path: Path): Complaint | null {
  if (!path.includes('latest')) return null;
  return ['mutable', 'whatever is the latest at the time', 'give the address of one version'];
}

function ofReach({ protocol, hostname }: URL): Complaint | null {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isPrivate = isIP(host) === 0 ? /(^|\.)(localhost|local|internal)$/.test(host) : !isPublicAddress(host);
  if (isPrivate)
    return [
      'private-host',
      'only this machine or network reaches that host',
      'host it publicly before others are to use it',
    ];
  if (protocol === 'http:')
    return ['plain-http', 'the connection is not encrypted', 'give an https:// URL, if the host has one'];
  return null;
}
