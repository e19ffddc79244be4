import { encodeGreyPng } from './grey-png';
import { tarGz } from './tar-writing';

/** The findings that a picture can show, in the order in which the demo's predictions give them. */
export const DEMO_LABELS = ['Atelectasis', 'Cardiomegaly', 'Consolidation', 'Edema'] as const;
type Label = (typeof DEMO_LABELS)[number];

export interface DemoFile {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly content: Buffer;
}

export interface DemoDataOptions {
  /** Another seed gives other patients. */
  readonly seed?: number;
  readonly images?: number;
}

const SIDE = 56;
const PREVALENCE = 0.35;
const ROOT = 'demo_data';

/**
 * Chest pictures drawn by formula: each finding leaves a mark whose place and strength vary, under noise, so that a model
 * can find most of them and not all. `paths.yaml` says where images and labels are, as MedPerf expects of demo data.
 */
export function demoDataFiles({ seed = 1, images = 80 }: DemoDataOptions = {}): readonly DemoFile[] {
  const random = generator(seed);
  const rows: string[] = ['"Image ID","Label"'];
  const pictures: DemoFile[] = [];
  for (let at = 0; at < images; at += 1) {
    const id = `patient${String(at + 1).padStart(4, '0')}`;
    const labels = DEMO_LABELS.filter(() => random() < PREVALENCE);
    const content = encodeGreyPng(SIDE, SIDE, picture(labels, random));
    pictures.push({ path: `${ROOT}/images/${id}.png`, content });
    rows.push(`"${id}","${labels.join('|') || 'No Finding'}"`);
  }
  const paths = `data_path: ${ROOT}/images\nlabels_path: ${ROOT}/labels\n`;
  return [
    { path: 'paths.yaml', content: Buffer.from(paths) },
    ...pictures,
    { path: `${ROOT}/labels/labels.csv`, content: Buffer.from(`${rows.join('\n')}\n`) },
  ];
}

/** The demo data as `.tar.gz`; the same options give the same bytes. */
export function demoDataArchive(options?: DemoDataOptions): Promise<Buffer> {
  return tarGz(demoDataFiles(options));
}

type Random = () => number;
/** Brightness that something adds at a place; x and y run from 0 to 1. */
type Mark = (x: number, y: number) => number;

function picture(labels: readonly Label[], random: Random): Uint8Array {
  const shiftX = spread(random, 0.03);
  const shiftY = spread(random, 0.03);
  const marks = [...anatomy(random, labels), ...findings(random, labels)];
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let at = 0; at < pixels.length; at += 1) {
    const x = ((at % SIDE) + 0.5) / SIDE + shiftX;
    const y = (Math.floor(at / SIDE) + 0.5) / SIDE + shiftY;
    const brightness = marks.reduce((sum, mark) => sum + mark(x, y), 0.5 + spread(random, 0.12));
    pixels[at] = Math.round(255 * Math.min(1, Math.max(0, brightness)));
  }
  return pixels;
}

/** Two dark lungs and the heart between them, which cardiomegaly widens. */
function anatomy(random: Random, labels: readonly Label[]): Mark[] {
  const widened = labels.includes('Cardiomegaly') ? 0.02 + 0.06 * random() : 0;
  const heart = 0.13 + spread(random, 0.015) + widened;
  const depth = -0.3 + spread(random, 0.05);
  return [blob(0.28, 0.48, 0.15, 0.3, depth), blob(0.72, 0.48, 0.15, 0.3, depth), blob(0.53, 0.64, heart, 0.15, 0.22)];
}

function findings(random: Random, labels: readonly Label[]): Mark[] {
  const side = (): number => (random() < 0.5 ? 0.28 : 0.72);
  const marks: Mark[] = [];
  if (labels.includes('Atelectasis')) {
    marks.push(blob(side(), 0.74 + spread(random, 0.04), 0.14, 0.025, 0.12 + 0.3 * random()));
  }
  if (labels.includes('Consolidation')) {
    marks.push(blob(side(), 0.36 + spread(random, 0.1), 0.07, 0.07, 0.1 + 0.3 * random()));
  }
  if (labels.includes('Edema')) {
    const haze = 0.03 + 0.12 * random();
    marks.push(blob(0.36, 0.5, 0.14, 0.2, haze), blob(0.64, 0.5, 0.14, 0.2, haze));
  }
  return marks;
}

/** A soft ellipse around (`x0`, `y0`). */
function blob(x0: number, y0: number, width: number, height: number, strength: number): Mark {
  return (x, y) => strength * Math.exp(-(((x - x0) / width) ** 2 + ((y - y0) / height) ** 2));
}

/** Between −`amount` and +`amount`. */
function spread(random: Random, amount: number): number {
  return (2 * random() - 1) * amount;
}

/** Numbers from 0 up to 1 that depend on the seed only (mulberry32). */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
