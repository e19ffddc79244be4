import type { Digest } from '../contract';
import type { StoreContents } from './store-contents';
import type { StoredTrees } from './stored-trees';

/** The blobs that digests reach: themselves, and of trees everything below them. */
export class Holdings {
  /** Of all blobs that are held. */
  bytes = 0;
  private readonly held = new Set<Digest>();
  private readonly walked = new Set<Digest>();

  constructor(
    private readonly blobs: StoreContents['blobs'],
    private readonly trees: StoredTrees,
  ) {}

  get count(): number {
    return this.held.size;
  }

  has(digest: Digest): boolean {
    return this.held.has(digest);
  }

  /** Holds what the digests reach; when that adds more than `room` bytes, holds none of it and answers false. */
  async hold(digests: readonly Digest[], room = Infinity): Promise<boolean> {
    const before = this.bytes;
    const added: Digest[] = [];
    const walked: Digest[] = [];
    const trees = await this.trees.among(digests.filter((digest) => !this.walked.has(digest)));
    for (const digest of digests) this.take(digest, added);
    for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
      if (this.walked.has(tree)) continue;
      this.walked.add(tree);
      walked.push(tree);
      for (const entry of await this.trees.list(tree)) {
        this.take(entry.digest, added);
        if (entry.kind === 'directory') trees.push(entry.digest);
      }
    }
    if (this.bytes - before <= room) return true;
    for (const digest of added) this.held.delete(digest);
    for (const tree of walked) this.walked.delete(tree);
    this.bytes = before;
    return false;
  }

  private take(digest: Digest, added: Digest[]): void {
    const blob = this.blobs.get(digest);
    if (blob === undefined || this.held.has(digest)) return;
    this.held.add(digest);
    added.push(digest);
    this.bytes += blob.size;
  }
}
