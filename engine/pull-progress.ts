interface LayerNews {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly progressDetail?: { current?: number | undefined; total?: number | undefined } | undefined;
}

/** Sums up the layers of one pull. Downloading and unpacking are one half of the work each. */
export class PullProgress {
  private readonly layers = new Map<string, { total: number; downloaded: number; unpacked: number }>();
  private lastMessage = '';

  constructor(private readonly reference: string) {}

  /** News worth telling, or null: the daemon says far more than changes the picture. `share` is from 0 to 1. */
  add({ id, status, progressDetail }: LayerNews): { message: string; share?: number } | null {
    if (id !== undefined && status !== undefined) this.note(id, status, progressDetail);
    const layers = [...this.layers.values()];
    const total = layers.reduce((sum, layer) => sum + layer.total, 0);
    if (total === 0) return null;
    const done = layers.reduce((sum, layer) => sum + (layer.downloaded + layer.unpacked) / 2, 0);
    const share = Math.min(1, done / total);
    const message = `pulling ${this.reference}: ${Math.floor(share * 100)} % of ${layers.length} layers`;
    if (message === this.lastMessage) return null;
    this.lastMessage = message;
    return { message, share };
  }

  private note(id: string, status: string, detail: LayerNews['progressDetail']): void {
    const layer = this.layers.get(id) ?? { total: 0, downloaded: 0, unpacked: 0 };
    layer.total = detail?.total ?? layer.total;
    if (status === 'Downloading') layer.downloaded = detail?.current ?? layer.downloaded;
    else if (status === 'Download complete') layer.downloaded = layer.total;
    else if (status === 'Extracting') layer.unpacked = detail?.current ?? layer.unpacked;
    else if (status === 'Pull complete') layer.downloaded = layer.unpacked = layer.total;
    else return;
    this.layers.set(id, layer);
  }
}
