import { BlockList, isIP } from 'node:net';

/** What IANA's special-purpose registries (RFC 6890 and after) say is not the public Internet. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Public IPv6 is within this. */
const GLOBAL_V6 = ['2000::/3'];
/** What is not public within it: Teredo, benchmarking, ORCHID, documentation and 6to4. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const specialV4 = blockList(SPECIAL_V4);
const globalV6 = blockList(GLOBAL_V6);
const specialV6 = blockList(SPECIAL_V6);

/** True for an IPv4 or IPv6 address that the whole Internet can reach; an IPv4 address written as IPv6 is judged as itself. */
export function isPublicAddress(address: string): boolean {
  const plain = withoutMapping(address);
  if (isIP(plain) === 4) return !specialV4.check(plain, 'ipv4');
  return isIP(plain) === 6 && globalV6.check(plain, 'ipv6') && !specialV6.check(plain, 'ipv6');
}

/** Hosts of the operator's own network that may be asked all the same. */
export class PrivateHosts {
  private readonly networks = new BlockList();
  private readonly names = new Set<string>();

  /** @param entries as {@link isPrivateHost} takes them. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      if (isNetwork(entry)) add(this.networks, entry);
      else this.names.add(entry.toLowerCase());
    }
  }

  /** @param host as in a URL, or without the brackets of an IPv6 address. */
  allowsHost(host: string, port: number): boolean {
    const named = (isIP(host) === 6 ? `[${host}]` : host).toLowerCase();
    return this.names.has(named) || this.names.has(`${named}:${port}`);
  }

  allowsAddress(address: string): boolean {
    const plain = withoutMapping(address);
    return isPublicAddress(plain) || this.networks.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  }
}

/** True for a host (`files.internal`, `10.1.2.3`, `[fd00::1]`), one with its port, or a network (`10.1.0.0/16`). */
export function isPrivateHost(entry: string): boolean {
  const [, host = '', port = '0'] = /^(.+?)(?::(\d{1,5}))?$/.exec(entry.toLowerCase()) ?? [];
  // As URLs are read: no user, no path, no other spelling of an address.
  const isHost = URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).host === host;
  return isNetwork(entry) || (isHost && Number(port) < 65_536);
}

function isNetwork(entry: string): boolean {
  const [address = '', bits = '', ...rest] = entry.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` are 10.0.0.1, and so is what NAT64 makes of it. */
function withoutMapping(address: string): string {
  const [bare = ''] = address.split('%');
  if (isIP(bare) !== 6) return bare;
  const { hostname } = new URL(`http://[${bare}]/`);
  const [, high = '', low = ''] = /^\[(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === '') return bare;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) add(list, network);
  return list;
}

function add(list: BlockList, network: string): void {
  const [address = '', bits = ''] = network.split('/');
  list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
