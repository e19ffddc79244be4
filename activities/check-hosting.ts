import type { Heartbeat, HostingCheck } from '../contract';
import { checkHosting } from '../hosting/hosting-check';
import type { Downloads } from '../store/downloads';
import { requestFile } from '../store/file-request';

export interface HostingCheckPlace {
  readonly downloads: Downloads;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** Bytes between two words about how far it is. */
const TOLD_EVERY = 16 * 1024 * 1024;

/** Looks at a URL from this worker, with no credentials, as everybody will who fetches what it names. */
export function checkUrl(
  { downloads, signal, tell }: HostingCheckPlace,
  { url, sha256 }: { readonly url: string; readonly sha256?: string },
): Promise<HostingCheck> {
  let told = 0;
  const onProgress = (received: number, total: number | null): void => {
    if (received - told < TOLD_EVERY) return;
    told = received;
    tell({ message: `read ${received} bytes`, ...(total === null ? {} : { share: Math.min(received / total, 1) }) });
  };
  return downloads.inTurn(signal, (dispatcher) =>
    checkHosting((address, options) => requestFile(address, { ...options, dispatcher }), url, {
      sha256,
      signal,
      onProgress,
    }),
  );
}
