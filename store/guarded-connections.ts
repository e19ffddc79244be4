import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { buildConnector, EnvHttpProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { PrivateHosts } from './private-addresses';

/** This machine itself is never asked for through a proxy. */
const NEVER_BY_PROXY = ['localhost', '127.0.0.1', '[::1]'];

/** Tells `requestFile` why no connection was made; its code stands for it where undici wraps errors. */
export class PrivateAddress extends Error {
  readonly code = 'ERR_PRIVATE_ADDRESS';

  constructor() {
    super('the host is on a private network');
  }
}

/**
 * Connections to file hosts of the public Internet and to those that the operator names; to others they fail with
 * {@link PrivateAddress}. What is checked is the address that is connected to. The proxies of `HTTP_PROXY`, `HTTPS_PROXY`
 * and `NO_PROXY` (also in small letters) are obeyed; behind a proxy, the proxy decides what can be reached.
 */
export function guardedConnections(privateHosts: readonly string[]): Dispatcher {
  return overProxies(guardedConnector(new PrivateHosts(privateHosts)));
}

let unguarded: Dispatcher | undefined;

/** This process's connections to hosts that its user chose; they obey the proxies too. */
export function unguardedConnections(): Dispatcher {
  return (unguarded ??= overProxies(buildConnector({})));
}

function overProxies(connect: buildConnector.connector): Dispatcher {
  const noProxy = process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? '';
  return new EnvHttpProxyAgent({
    // As everybody's clients do; proxies often refuse tunnels to what is not encrypted.
    proxyTunnel: false,
    connect,
    noProxy: noProxy.trim() === '*' ? '*' : [noProxy, ...NEVER_BY_PROXY].join(','),
  });
}

function guardedConnector(hosts: PrivateHosts): buildConnector.connector {
  const open = buildConnector({});
  // Passed on to `net.connect` and `tls.connect`, which undici's own type leaves out.
  const guard: buildConnector.BuildOptions & { lookup: LookupFunction } = { lookup: guardedLookup(hosts) };
  const guarded = buildConnector(guard);
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    if (hosts.allowsHost(host, port)) open(options, callback);
    // No name is looked up for an address.
    else if (isIP(host) !== 0 && !hosts.allowsAddress(host)) callback(new PrivateAddress(), null);
    else guarded(options, callback);
  };
}

/** Gives only addresses that may be connected to, and fails when a name has no other. */
function guardedLookup(hosts: PrivateHosts): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const allowed = found.filter(({ address }) => hosts.allowsAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(new PrivateAddress(), '');
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
