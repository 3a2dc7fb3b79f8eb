// Package chain is the hash chain over the entries of a partition, and the signed checkpoints of it (invariant L5).
//
// The chain is a pure function of the partition's entries in the order of (position, index), so that whoever holds the
// records of ledger.entries.v1 computes the same one, and so does weir recover import:
//
//	h(0) = SHA-256("weir ledger chain v1" ‖ partition)
//	h(n) = SHA-256(h(n-1) ‖ canonical(entry n))
//
// The link of an entry, stored beside it, is the first 8 bytes of h(n). The head of a partition is h(n) of its last entry.
//
// canonical is, with every number big endian and two's complement, times in microseconds since 1970-01-01T00:00:00Z
// (rounded down):
//
//	1 byte    0x01, the version of this encoding
//	8 bytes   position   } of entry_id, which is partition-position-index
//	2 bytes   index      }
//	8 bytes   booked_at
//	8 bytes   effective_at; booked_at where it is absent
//	16 bytes  the UUID in payment_id; zeros where it is absent
//	4 bytes   length of template, and its bytes (UTF-8)
//	4 bytes   length of reference, 0 where it is absent, and its bytes
//	4 bytes   number of postings, and for each:
//	          16 bytes  account_id
//	          8 bytes   amount
//
// and partition in h(0) is 4 bytes. An account_id is itself the hash of tenant, code, owner and currency (ledger.Account),
// so these are covered. What only accompanies an entry (region, customer_id, trace_id) is not.
package chain
