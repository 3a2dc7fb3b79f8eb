package payments_test

import (
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// checkChain recomputes the chain of each partition from its rows and returns how many entries they have (L5).
func checkChain(t *testing.T, db *database.DB, partitions int32) (entries int64) {
	t.Helper()
	var hasher chain.Hasher
	for partition := range partitions {
		head := chain.Genesis(partition)
		err := store.Walk(t.Context(), db.Pool, head.Last(), math.MaxInt64, func(row *store.Row) error {
			if head = hasher.Extend(&head, &row.Record); !row.Linked || row.Link != head.Link() {
				t.Errorf("entry %s has link %x, the chain gives %x", head.Last(), uint64(row.Link), uint64(head.Link()))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := store.Head(t.Context(), db.Pool, partition); head.Entries > 0 && (err != nil || stored != head) {
			t.Errorf("ledger_chain holds %+v, %v, the entries give %+v", stored, err, head)
		}
		entries += head.Entries
	}
	return entries
}

// TestABatchThatWasNotStored leaves no trace in the chain: the state that folded it is given up.
func TestABatchThatWasNotStored(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	captured(t, in, 1, "anna")
	before := checkChain(t, db, 1)
	in.put(topics.TypeAssessedCommand, create(2, "bob", topics.CaptureAutomatic))
	in.fold(10)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	in.put(topics.TypePSPReport, approved(&requests[len(requests)-1], true))
	if err := in.state.Load(t.Context(), in.pending); err != nil {
		t.Fatal(err)
	}
	if _, dead := in.state.Apply(in.pending[0]); dead != nil {
		t.Fatal(dead)
	}
	in.state.Write(new(pgx.Batch)) // and the transaction fails
	in.restart()
	if after := checkChain(t, db, 1); before == 0 || after != before {
		t.Errorf("%d entries, there were %d", after, before)
	}
	in.fold(10)
	if after := checkChain(t, db, 1); after != before+1 {
		t.Errorf("%d entries after the batch was stored, there were %d", after, before)
	}
}
