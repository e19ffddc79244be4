/** `node download-temporal.mjs FOLDER`: leaves the development server of Temporal that the SDK downloads in the folder. */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [folder] = process.argv.slice(2);
const executable = { type: 'cached-download', downloadDir: folder };
const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
await environment.teardown();
