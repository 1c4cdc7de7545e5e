import { createMemoryLedger } from '../../proxy/session/memory-ledger'
import { ledgerContract } from './ledger-contract'

ledgerContract('the memory ledger', createMemoryLedger)
