import type { Heartbeat, HostingCheck } from '../contract';
import { checkHosting } from '../hosting/hosting-check';
import type { Downloads } from '../store/downloads';
import { requestFile } from '../store/file-request';
import { tellShare } from './byte-progress';

export interface HostingCheckPlace {
  readonly downloads: Downloads;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** Looks at a URL from this worker, with no credentials, as everybody will who fetches what it names. */
export function checkUrl(
  { downloads, signal, tell }: HostingCheckPlace,
  { url, sha256 }: { readonly url: string; readonly sha256?: string },
): Promise<HostingCheck> {
  const onProgress = tellShare(tell, 'reading the file');
  return downloads.inTurn(signal, (dispatcher) =>
    checkHosting((address, options) => requestFile(address, { ...options, dispatcher }), url, {
      sha256,
      signal,
      onProgress,
    }),
  );
}
