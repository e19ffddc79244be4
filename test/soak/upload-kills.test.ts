import { faultSeed, seeded } from '../faults/seeded';
import { PARTS, surviveKilledUpload } from '../killed-upload';
import { S3Publishing } from '../s3-publishing';

const COUNT = Number(process.env['SOAK_UPLOAD_KILLS'] ?? 60);
const WITHIN_MS = 60 * 60 * 1000;
const seed = faultSeed();

it(
  `no part that the server holds is sent again after a kill: ${COUNT} times from FAULT_SEED=${seed} on`,
  async () => {
    for (let at = seed; at < seed + COUNT; at += 1) {
      const s3 = await S3Publishing.start();
      try {
        const random = seeded(at);
        process.stdout.write(`FAULT_SEED=${at}\n`);
        await surviveKilledUpload(s3, 1 + Math.floor(random() * (PARTS - 1)), random() < 0.5);
      } finally {
        await s3.stop();
      }
    }
  },
  WITHIN_MS,
);
