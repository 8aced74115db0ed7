export {
  InjectedError,
  withFaults,
  type FaultKind,
  type Faults,
  type FaultyProvider,
  type MadeFault,
} from "./faulty-provider.ts";
