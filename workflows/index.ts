export {
  medperfAssociate,
  medperfCheckHosting,
  medperfHost,
  medperfOnboard,
  medperfPackage,
  medperfSubmit,
  medperfTestRun,
} from './workflows';
export { medperfBenchmarkBase } from './benchmark-base';
export { medperfSweep } from './sweep';
export { confirmUpdate } from './associate-stage';
export { progressQuery } from './progress-recorder';
