/** Where the program is loaded, and the buffer that `recorder.js` fills. */
const LOAD_ADDRESS = 0x400000;
const MEMORY_BYTES = 0x3000;
const HEADER_BYTES = 64 + 56;

/** read(0, buffer, 1024); the system call that the buffer's first seven words name; write(1, answer, 8); exit(0) */
const CODE = Buffer.from(
  [
    '31c031ffbe00104000ba000400000f05',
    'bb00104000488b03488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f05488903',
    'b801000000bf0100000089deba080000000f05',
    'b83c00000031ff0f05',
  ].join(''),
  'hex',
);

/**
 * A Linux program for x86-64 that does one system call of the caller's choice: what a model that brings machine code can
 * ask of the kernel, and JavaScript alone cannot.
 */
export function systemCallProgram(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('7f454c46020101', 'hex');
  header.writeUInt16LE(2, 16); // An executable
  header.writeUInt16LE(62, 18); // for x86-64.
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS + HEADER_BYTES), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // One segment to load,
  header.writeUInt32LE(7, 68); // to read, write and run.
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 88);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES + CODE.length), 96);
  header.writeBigUInt64LE(BigInt(MEMORY_BYTES), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, CODE]);
}
