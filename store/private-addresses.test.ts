import * as fc from 'fast-check';
import { isPrivateHost, isPublicAddress, PrivateHosts } from './private-addresses';

describe('isPublicAddress', () => {
  it.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '127.9.9.9',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...['192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
    ...['255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'ff02::1', '2001:db8::1'],
    ...['2001::1', '2002:a00:1::', '64:ff9b:1::1', '100::1', 'fec0::1', '3fff::1', '5f00::1'],
    ...[
      '::ffff:10.0.0.1',
      '::ffff:a00:1',
      '0:0:0:0:0:ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::10.0.0.1',
      'localhost',
      '',
    ],
  ])('is false for %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '223.255.255.255',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
  ])('is true for %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('judges an IPv4 address the same however it is written as IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
      }),
    );
  });
});

describe('the operator’s private hosts', () => {
  it('are names, names with a port, and networks', () => {
    const hosts = new PrivateHosts(['Files.Internal', '10.0.0.7:8080', '[fd00::1]', '10.30.0.0/16', 'fd01::/64']);
    expect(hosts.allowsHost('files.internal', 99)).toBe(true);
    expect(hosts.allowsHost('other.files.internal', 99)).toBe(false);
    expect(hosts.allowsHost('10.0.0.7', 8080)).toBe(true);
    expect(hosts.allowsHost('10.0.0.7', 80)).toBe(false);
    expect(hosts.allowsHost('fd00::1', 443)).toBe(true);
    expect(hosts.allowsAddress('10.30.255.1')).toBe(true);
    expect(hosts.allowsAddress('::ffff:10.30.255.1')).toBe(true);
    expect(hosts.allowsAddress('10.31.0.1')).toBe(false);
    expect(hosts.allowsAddress('fd01::9')).toBe(true);
    expect(hosts.allowsAddress('fd01:0:0:1::9')).toBe(false);
  });

  it.each([
    'files.internal',
    'files.internal:80',
    '10.1.2.3',
    '10.1.2.3:8080',
    '[fd00::1]',
    '[fd00::1]:80',
    '10.0.0.0/8',
    'fd00::/8',
  ])('may be written as %s', (entry) => {
    expect(isPrivateHost(entry)).toBe(true);
  });

  it.each([
    '',
    'http://files',
    'files/path',
    'user@files',
    '10.1',
    '0x7f.1',
    'fd00::1',
    '10.0.0.0/33',
    '10.0.0.0/',
    'a:99999',
    'a b',
  ])('may not be written as %j', (entry) => {
    expect(isPrivateHost(entry)).toBe(false);
  });
});
