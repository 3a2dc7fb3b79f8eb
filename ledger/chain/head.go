package chain

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/weirhq/weir/ledger"
)

const seed = "weir ledger chain v1"

// Head is the chain of a partition up to one entry.
type Head struct {
	Partition int32
	Entries   int64 // n
	Position  int64 // of the last entry; -1 where there is none
	Index     int16
	Hash      [sha256.Size]byte // h(n)
}

// Genesis is the chain of a partition without entries.
func Genesis(partition int32) Head {
	return Head{Partition: partition, Position: -1,
		Hash: sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), uint32(partition)))}
}

// Link is the first 8 bytes of the hash.
func (h *Head) Link() int64 { return int64(binary.BigEndian.Uint64(h.Hash[:])) }

// Last is the id of the last entry.
func (h *Head) Last() ledger.EntryID {
	return ledger.EntryID{Partition: h.Partition, Position: h.Position, Index: h.Index}
}

// Hasher extends chains. It keeps a buffer, so that extending allocates nothing; it is used by one goroutine.
type Hasher struct{ buffer []byte }

// Extend is the chain with one more entry, which must come after those that it has.
func (c *Hasher) Extend(h *Head, r *Record) Head {
	c.buffer = r.Append(append(c.buffer[:0], h.Hash[:]...))
	return Head{h.Partition, h.Entries + 1, r.Position, r.Index, sha256.Sum256(c.buffer)}
}
