package crashtest

import (
	"context"

	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/proof"
)

// A pair of keys of these tests alone.
const (
	checkpointKey   = "PRIVATE+KEY+weir/crashtest+ff198661+ARc7ldAtYNupAFdJAOcb9hvDwgazvRy8Cmoe6n4Vz+fX"
	checkpointReads = "weir/crashtest+ff198661+ATJHqZzNhT8jKkDxVdWD4eYZ+PBnyuKKiPlnnJdpEQUX"
)

// chain verifies the ledger's hash chain against what was signed of it all the while: nothing signed came to be undone.
func (tr *traffic) chain(ctx context.Context, db *database.DB) {
	tr.t.Helper()
	verifier, err := note.NewVerifier(checkpointReads)
	if err != nil {
		tr.t.Fatal(err)
	}
	var problems []string
	counts, err := proof.Verify(ctx, proof.Config{Database: db, Partition: proof.AllPartitions,
		Checkpoints: proof.FromTopic(tr.world.kafka(), verifier),
		Problem:     func(p proof.Problem) { problems = append(problems, p.String()) }})
	if err != nil {
		tr.t.Errorf("ledger verify: %v", err)
		return
	}
	tr.some("ledger verify", problems)
	if counts.Entries.Load() == 0 || counts.Checkpoints.Load() == 0 {
		tr.t.Errorf("ledger verify checked %s", counts)
	}
	tr.t.Logf("ledger verify: %d problems; %s", len(problems), counts)
}
