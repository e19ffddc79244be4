export {
  medperfApprove,
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
export { lookSignal } from './committee-desk';
export { confirmUpdate } from './confirmation-desk';
export { progressQuery } from './progress-recorder';
