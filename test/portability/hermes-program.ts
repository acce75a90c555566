// For the Hermes VM: the relay comes along.
import './tiny-relay.ts'
import './program.ts'
