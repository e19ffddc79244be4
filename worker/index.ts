// What an adopter needs to build the plugin's dependencies.
export { DockerEngine } from '../engine/docker-engine';
export { DirectoryPublisher } from '../hosting/directory-publisher';
export { openProfiles } from '../registry';
export { Downloads } from '../store/downloads';
export { FileStore } from '../store/file-store';
export { connectBucket } from '../store/s3/connection';
export type { Bucket, BucketPlace } from '../store/s3/connection';
export { S3Store } from '../store/s3/s3-store';
export { MedPerfPlugin } from './plugin';
export type { MedPerfPluginOptions } from './plugin';
export { DEFAULT_POLICY, readPolicy } from './policy';
export type { Policy } from './policy';
export { policyFor } from './policy-rules';
export type { Allowance, PolicyRule, RunKind } from './policy-rules';
export { Registries } from './registries';
export { runWorkers } from './workers';
export type { ContainerHost, WorkersOptions } from './workers';
export type { ContainerDependencies, ControlDependencies, MedperfActivities } from '../activities';
