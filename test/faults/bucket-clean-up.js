'use strict';

/**
 * Cleans a bucket up, in a process of its own. With KILL_AT_REQUEST=N it is killed at its N-th request: before it is sent,
 * or with KILL_WHEN=after when its answer is there. Else it tells how many requests that took.
 */
const { cleanUpBucket } = require('../../lib/store/s3/bucket-clean-up');
const { connectBucket } = require('../../lib/store/s3/connection');

const { KILL_AT_REQUEST = '0', KILL_WHEN = 'before' } = process.env;
const bucket = connectBucket(JSON.parse(process.argv[2]));
const die = () => process.kill(process.pid, 'SIGKILL');
let requests = 0;
bucket.client.middlewareStack.add(
  (next) => async (args) => {
    requests += 1;
    const isLast = requests === Number(KILL_AT_REQUEST);
    if (isLast && KILL_WHEN === 'before') die();
    const answer = await next(args);
    if (isLast) die();
    return answer;
  },
  { step: 'finalizeRequest' },
);

cleanUpBucket(bucket, { pins: [] }).then(() => process.stdout.write(JSON.stringify({ requests })));
