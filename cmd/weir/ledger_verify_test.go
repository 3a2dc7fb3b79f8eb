package main

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// TestLedgerVerify signs a deposit, verifies it from the topic and from a file, and finds that it was changed.
func TestLedgerVerify(t *testing.T) {
	t.Chdir(t.TempDir())
	db, b := databasetest.New(t), brokertest.New(t, 1)
	code, out, errOut := weir(t, nil, "ledger", "keygen", "weir/test")
	private, public, found := strings.Cut(strings.TrimSpace(strings.TrimPrefix(out, "private: ")), "\npublic:  ")
	if code != exitOK || !found || errOut != "" {
		t.Fatalf("keygen: exit code %d\n%s%s", code, out, errOut)
	}
	deposit(t, db)
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format) VALUES ('payments', 0, 6, 0, '', '', 1)`); err != nil {
		t.Fatal(err)
	}
	signed := signHead(t, db, private)
	client := b.Client(t)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.LedgerCheckpoints, Value: signed}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("kept", signed, 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"ledger", "verify", "--database-url", db.URL(), "--brokers", strings.Join(b.Config.Brokers, ",")}
	environment := []string{"WEIR_LEDGER__CHECKPOINT_KEY=" + private}
	want := func(what string, environ []string, code int, parts []string, args ...string) {
		t.Helper()
		got, out, errOut := weir(t, environ, append(base[:len(base):len(base)], args...)...)
		for _, part := range parts {
			if got != code || !strings.Contains("\n"+out+errOut, part) {
				t.Errorf("%s: exit code %d, want %d and %q in\n%s%s", what, got, code, part, out, errOut)
			}
		}
	}
	const entries = "\nchecked: 1 partitions, 1 entries, 3 accounts, "
	want("without a key", nil, exitOK, []string{"\nnote: without --key no signed checkpoints are compared", entries + "0 checkpoints\nverify: 0 problems\n"})
	want("the topic, with the engine's key", environment, exitOK, []string{entries + "1 checkpoints\nverify: 0 problems\n"})
	want("the topic, with a public key", nil, exitOK, []string{entries + "1 checkpoints\n"}, "--key", public)
	want("a file", nil, exitOK, []string{entries + "1 checkpoints\n"}, "--key", public, "--checkpoints", "kept", "--partition", "0")
	want("the database alone", environment, exitOK, []string{"\nnote: with --database-only no signed checkpoints", entries + "0 checkpoints\n"}, "--database-only")
	want("a file without a key", nil, exitUsage, []string{"flag --checkpoints: want the public key"}, "--checkpoints", "kept")
	want("no key", nil, exitUsage, []string{"flag --key: want a public key as weir ledger keygen prints it"}, "--key", "weir/test")
	want("no private key", []string{"WEIR_LEDGER__CHECKPOINT_KEY=weir/test"}, exitUsage, []string{"ledger.checkpoint_key: is not a private key"})
	want("no partition", nil, exitUsage, []string{"flag --partition: want a number from 0 on"}, "--partition", "-2")
	want("a partition that is not there", nil, exitUsage, []string{"\nweir: flag --partition: there is no partition 77: the ledger has 1, from 0 on; one that never had a record is not counted\n"},
		"--partition", "77", "--database-only")
	_, other, err := note.GenerateKey(rand.Reader, "weir/test")
	if err != nil {
		t.Fatal(err)
	}
	want("another key", nil, exitProblem, []string{"checkpoint: partition 0: ledger.checkpoints.v1 at offset 0: "}, "--key", other)

	if _, err := db.Pool.Exec(t.Context(), `UPDATE entries SET amounts[1] = amounts[1] + 1`); err != nil {
		t.Fatal(err)
	}
	// This database has no log, which would say what it was.
	want("a changed amount", environment, exitProblem, []string{"partition 0: entry 0-5-0: in the table, but the log does not publish it", "problems\n"})
}

func signHead(t *testing.T, db *database.DB, private string) []byte {
	t.Helper()
	head, err := store.Head(t.Context(), db.Pool, 0)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := chain.Sign(head, time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC), signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestKeygenRefusesAName(t *testing.T) {
	for _, name := range []string{"", "of weir", "a+b"} {
		code, out, errOut := weir(t, nil, "ledger", "keygen", name)
		if code != exitUsage || out != "" || !strings.Contains(errOut, "want one without spaces and plus signs") {
			t.Errorf("%q: exit code %d, %s%s", name, code, out, errOut)
		}
	}
}
