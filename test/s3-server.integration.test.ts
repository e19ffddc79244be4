import { ListBucketsCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { S3Server } from './s3-server';

describe('the S3 server of the tests', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await S3Server.start();
  });

  afterAll(() => server.stop());

  it('keeps its buckets and policies when it is killed and started again', async () => {
    await server.makeBucket('open', { publicRead: true });
    await server.makeBucket('closed');
    for (const Bucket of ['open', 'closed'])
      await server.client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'text', Metadata: { sha256: 'x' } }));

    await server.restart();

    const { Buckets = [] } = await server.client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual(['closed', 'open']);
    const { Metadata } = await server.client.send(new GetObjectCommand({ Bucket: 'closed', Key: 'a/b' }));
    expect(Metadata).toEqual({ sha256: 'x' });
    expect((await fetch(`${server.endpoint}/open/a/b`)).status).toBe(200);
    expect((await fetch(`${server.endpoint}/closed/a/b`)).status).toBe(403);
  });
});
