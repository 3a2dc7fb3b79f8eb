package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
)

func TestNothingIsWrong(t *testing.T) {
	f := newFixture(t)
	f.want(false) // of nothing
	f.bookAll()
	f.want(false)
	problems, notes, counts := f.verify(true)
	if len(problems) > 0 || len(notes) > 0 || counts.String() != "2 partitions, 24 entries, 10 accounts, 6 checkpoints" {
		t.Errorf("checked %s: %q, %q", counts, problems, notes)
	}
}

// TestEachChangeIsNamed changes the database as somebody with access to it may. Entries stand at positions 0, 2, 3, 4, 6, …
// of partition 1, two of them at 2, 6 and 10; 4, 8 and 12 of them were signed.
func TestEachChangeIsNamed(t *testing.T) {
	f := newFixture(t)
	f.bookAll()
	f.save()
	const row = ` WHERE partition = 1 AND position = 6 AND ordinal = 0`
	sql := func(statements ...string) func(*fixture) {
		return func(f *fixture) {
			for _, s := range statements {
				f.exec(s)
			}
		}
	}
	relinked := func(statements ...string) func(*fixture) {
		return func(f *fixture) {
			sql(statements...)(f)
			f.relink(1)
		}
	}
	amount := `UPDATE entries SET amounts = ARRAY[amounts[1] + 1, amounts[2], amounts[3] - 1]` + row
	tail := `DELETE FROM entries WHERE partition = 1 AND position > 8`
	inserted := `INSERT INTO entries (partition, position, ordinal, booked_at, template, link, accounts, amounts)
SELECT 1, 5, 0, booked_at, template, link, accounts, amounts FROM entries` + row
	none := []string{}
	for _, c := range []struct {
		name          string
		change        func(*fixture)
		without, with []string // problems without checkpoints and with them; with nil: the same
	}{
		{"an amount", sql(amount), []string{"changed: partition 1: entry 1-6-0: posting 0: the row has amount 9717, the log 9716; posting 2: the row has amount -10007, the log -10006"}, nil},
		{"an account", sql(`UPDATE entries SET accounts = ARRAY[accounts[2], accounts[1], accounts[3]]` + row), []string{"changed: partition 1: entry 1-6-0: posting 0: the row has account "}, nil},
		{"the booking time", sql(`UPDATE entries SET booked_at = booked_at + interval '1 day'` + row), []string{"entry 1-6-0: the row is booked at 2026-02-01T09:30:06Z, the log at 2026-01-31T09:30:06Z"}, nil},
		{"the effective time", sql(`UPDATE entries SET effective = NULL` + row), []string{"entry 1-6-0: the row is effective at 2026-01-31T09:30:06Z, the log at 2026-01-31T08:30:00Z"}, nil},
		{"the reference", sql(`UPDATE entries SET reference = 'round-7'` + row), []string{`entry 1-6-0: the row has reference "round-7", the log "round-6"`}, nil},
		{"the template", sql(`UPDATE entries SET template = 'gift'` + row), []string{`entry 1-6-0: the row has template "gift", the log "deposit_captured"`}, nil},
		{"the payment", sql(`UPDATE entries SET payment = NULL` + row), []string{"entry 1-6-0: the row has payment 00000000-0000-0000-0000-000000000000, the log "}, nil},
		{"a posting cut off", sql(`UPDATE entries SET amounts = ARRAY[amounts[1], amounts[2]]` + row), []string{"entry 1-6-0: the row's amounts: 2, but 3 accounts"}, nil},
		{"postings that are no list", sql(`UPDATE entries SET amounts = '{{1},{2},{3}}'` + row), []string{"entry 1-6-0: the row's amounts: not a list without gaps"}, nil},
		{"the first entry", sql(`UPDATE entries SET template = 'gift' WHERE partition = 1 AND position = 0`), []string{"changed: partition 1: entry 1-0-0"}, nil},
		{"the last entry", sql(`UPDATE entries SET template = 'gift' WHERE partition = 1 AND position = 11`), []string{"changed: partition 1: entry 1-11-0"}, nil},
		{"two entries", sql(amount, `UPDATE entries SET template = 'gift' WHERE partition = 1 AND position = 8`), []string{"entry 1-6-0", "entry 1-8-0"}, nil},
		{"a link", sql(`UPDATE entries SET link = 7` + row), []string{"link: partition 1: entry 1-6-0: its link is 0000000000000007, the chain gives "}, nil},
		{"many links", sql(`UPDATE entries SET link = 7 WHERE partition = 1 AND position IN (0, 3, 6, 8, 11) AND ordinal = 0`),
			[]string{"link: partition 1: entry 1-0-0", "link: partition 1: entry 1-11-0", "link: partition 1: entry 1-3-0", "link: partition 1: entry 1-6-0", "link: partition 1: entry 1-8-0"}, nil},
		{"a link gone", sql(`UPDATE entries SET link = NULL` + row), []string{"link: partition 1: entry 1-6-0: it has no link"}, nil},
		{"all links gone", sql(`UPDATE entries SET link = NULL WHERE partition = 1`), []string{"link: partition 1: entry 1-11-0: ledger_chain ends with it, but no entry has a link"}, nil},
		{"an entry gone", sql(`DELETE FROM entries` + row), []string{"missing: partition 1: entry 1-6-0: not in the table; the log publishes deposit_captured of 2026-01-31T09:30:06Z, amounts [9716 290 -10006], reference round-6"}, nil},
		{"the first entry gone", sql(`DELETE FROM entries WHERE partition = 1 AND position = 0`), []string{"missing: partition 1: entry 1-0-0"}, nil},
		{"the last entries gone", sql(tail), []string{"missing: partition 1: entry 1-10-0", "missing: partition 1: entry 1-10-1", "missing: partition 1: entry 1-11-0"}, nil},
		{"the last entries gone, and the head set back", relinked(tail),
			[]string{"head: partition 1: ledger_chain: it says 9 entries up to 1-8-0", "missing: partition 1: entry 1-10-0", "missing: partition 1: entry 1-10-1", "missing: partition 1: entry 1-11-0"}, nil},
		{"the last entries gone, from the log, too, and the head set back", relinked(tail, `DELETE FROM stream_log WHERE partition = 1 AND position > 8`),
			none, []string{"checkpoint: partition 1: signed at 2026-01-31T09:42:00Z by weir/test: 12 entries up to 1-11-0 with hash "}},
		{"all entries gone", sql(`DELETE FROM entries WHERE partition = 1`, `DELETE FROM ledger_chain WHERE partition = 1`, `DELETE FROM stream_log WHERE partition = 1`),
			none, []string{"checkpoint: partition 1: signed at 2026-01-31T09:34:00Z by weir/test: 4 entries up to 1-3-0 with hash "}},
		{"an entry put in", sql(inserted), []string{"inserted: partition 1: entry 1-5-0: in the table, but the log does not publish it"}, nil},
		{"an entry put in at the end", sql(strings.Replace(inserted, "SELECT 1, 5, 0", "SELECT 1, 11, 1", 1)), []string{"inserted: partition 1: entry 1-11-1: in the table, but the log"}, nil},
		{"an entry put in after the end", sql(strings.Replace(inserted, "SELECT 1, 5", "SELECT 1, 12", 1)), []string{"inserted: partition 1: entry 1-12-0: in the table, but records are applied only up to position 12"}, nil},
		{"the head", sql(`UPDATE ledger_chain SET head = '\x00000000000000000000000000000000000000000000000000000000000000ff' WHERE partition = 1`),
			[]string{"head: partition 1: ledger_chain: it says 12 entries up to 1-11-0 with hash 0000000000000000, the entries give 12 entries up to 1-11-0 with hash "}, nil},
		{"the head's size", sql(`UPDATE ledger_chain SET entries = 11 WHERE partition = 1`), []string{"it says 11 entries up to 1-11-0"}, nil},
		{"the head gone", sql(`DELETE FROM ledger_chain WHERE partition = 1`), []string{"head: partition 1: ledger_chain: it has no row"}, nil},
		{"an account's owner", sql(`UPDATE accounts SET owner = 'eve' WHERE partition = 1 AND owner = 'customer-1'`), []string{`account: partition 1: account `}, nil},
		{"a record of the log that cannot be read", sql(`UPDATE stream_log SET frame = '\x00' WHERE partition = 1 AND position = 6`, `UPDATE entries SET link = 7`+row),
			[]string{"link: partition 1: entry 1-6-0", "log: partition 1: stream_log at position 6"}, nil},
		{"an amount, and its record in the log", func(f *fixture) {
			f.exec(amount)
			f.rewriteLog(1, 6, "9716", "9717", "-10006", "-10007")
		}, []string{
			"head: partition 1: ledger_chain: it says 12 entries", "link: partition 1: entry 1-6-0: its link is ",
			"link: partition 1: entry 1-6-1", "link: partition 1: entry 1-7-0",
		}, []string{
			"log agrees with the table, so both were changed after entry 1-3-0, or", "link: partition 1: entry 1-6-0: its link is ",
			"link: partition 1: entry 1-6-1", "link: partition 1: entry 1-7-0"}},
		{"an amount, its record in the log, and all links", func(f *fixture) {
			f.exec(amount)
			f.rewriteLog(1, 6, "9716", "9717", "-10006", "-10007")
			f.relink(1)
		}, none, []string{"log agrees with the table, so both were changed after entry 1-3-0, or"}},
		{"an amount, and its link", func(f *fixture) {
			f.exec(amount)
			f.relinkOnly(1, 6)
		}, []string{"changed: partition 1: entry 1-6-0"}, nil},
		{"an amount, and all links", relinked(amount), none, []string{
			"changed: partition 1: entry 1-6-0: posting 0: the row has amount 9717, the log 9716",
			"checkpoint: partition 1: signed at 2026-01-31T09:38:00Z by weir/test: 8 entries up to 1-7-0 with hash "}},
		{"an entry gone, and all links", relinked(`DELETE FROM entries` + row), none, []string{
			"checkpoint: partition 1: signed at 2026-01-31T09:38:00Z by weir/test: 8 entries up to 1-7-0", "missing: partition 1: entry 1-6-0"}},
		{"an entry put in, and all links", relinked(inserted), none, []string{
			"checkpoint: partition 1: signed at 2026-01-31T09:38:00Z by weir/test: 8 entries up to 1-7-0", "inserted: partition 1: entry 1-5-0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := *f
			sub.t = t
			sub.restore()
			c.change(&sub)
			sub.want(false, c.without...)
			if c.with == nil {
				c.with = c.without
			}
			sub.want(true, c.with...)
		})
	}
}

// relinkOnly computes the links of one position anew.
func (f *fixture) relinkOnly(partition int32, position int64) {
	f.t.Helper()
	f.exec(`CREATE TABLE kept AS SELECT * FROM entries`)
	f.exec(`CREATE TABLE kept_head AS SELECT * FROM ledger_chain`)
	f.relink(partition)
	f.exec(`UPDATE entries SET link = kept.link FROM kept WHERE kept.partition = entries.partition AND kept.position = entries.position
AND kept.ordinal = entries.ordinal AND NOT (entries.partition = $1 AND entries.position = $2)`, partition, position)
	f.exec(`UPDATE ledger_chain SET head = kept_head.head FROM kept_head WHERE kept_head.partition = ledger_chain.partition`)
	_, err := f.db.Pool.Exec(f.t.Context(), `DROP TABLE kept, kept_head`)
	f.must(err)
}

// rewriteLog replaces texts in what a record published.
func (f *fixture) rewriteLog(partition int32, position int64, texts ...string) {
	f.t.Helper()
	var frame []byte
	const where = ` WHERE partition = $1 AND position = $2`
	f.must(f.db.Pool.QueryRow(f.t.Context(), `SELECT frame FROM stream_log`+where, partition, position).Scan(&frame))
	at, outputs, err := f.frames.Decode(partition, position, frame)
	f.must(err)
	for i := range outputs {
		outputs[i].Value = []byte(strings.NewReplacer(texts...).Replace(string(outputs[i].Value)))
	}
	frame, err = f.frames.Encode(at, outputs)
	f.must(err)
	f.exec(`UPDATE stream_log SET frame = $3`+where, partition, position, frame)
}

// TestEntriesFromBeforeTheChain: the chain begins with them, without links.
func TestEntriesFromBeforeTheChain(t *testing.T) {
	f := newFixture(t)
	for n := range int64(3) {
		f.book(0, deposit(t, n))
	}
	f.exec(`UPDATE entries SET link = NULL`)
	f.exec(`DELETE FROM ledger_chain`)
	f.want(false)
	f.book(0, deposit(t, 3), deposit(t, 4))
	f.sign(0)
	problems, notes, _ := f.verify(true)
	if len(problems) > 0 || len(notes) != 1 || !strings.HasPrefix(notes[0], "partition 0: the first 3 entries are older than the links") {
		t.Errorf("problems %q, notes %q", problems, notes)
	}
	f.exec(`UPDATE entries SET template = 'gift' WHERE position = 1`)
	f.want(false, "changed: partition 0: entry 0-1-0")
}

func TestOnePartition(t *testing.T) {
	f := newFixture(t)
	f.bookAll()
	f.exec(`UPDATE entries SET template = 'gift' WHERE position = 0`)
	var problems []string
	counts, err := Verify(t.Context(), Config{Database: f.db, Partition: 1, Problem: func(p Problem) { problems = append(problems, p.Subject) }})
	if err != nil || fmt.Sprint(problems) != "[entry 1-0-0]" || counts.String() != "1 partitions, 12 entries, 5 accounts, 0 checkpoints" {
		t.Errorf("problems of %q, %v, checked %s", problems, err, counts)
	}
}

// TestCheckpointsOfOtherHistories: a checkpoint that another process signs a little later is none of them.
func TestCheckpointsOfOtherHistories(t *testing.T) {
	f := newFixture(t)
	f.bookAll()
	signed := f.signed
	f.signed = append(append([]byte{}, signed...), signed...)
	f.want(true)

	head := chain.Genesis(0)
	head.Entries, head.Position = 8, 7
	other, err := chain.Sign(head, began, f.signer)
	f.must(err)
	f.signed = append(signed, other...)
	f.want(true, "; there is another one of as many entries: two histories were signed")

	head.Entries, head.Position = 800, 700
	beyond, err := chain.Sign(head, began, f.signer)
	f.must(err)
	f.signed = append(signed, beyond...)
	f.want(true, "the table gives 12 entries up to 0-11-0 with hash ")
}

func TestFileOfSomethingElse(t *testing.T) {
	f := newFixture(t)
	f.book(0, deposit(t, 1))
	f.sign(0)
	good := string(f.signed)
	for want, text := range map[string]string{
		"line 1: ": strings.Replace(good, "\n1\n", "\n2\n", 1),
		"line 9: ": good + "\n" + strings.Replace(good, "entry 0-0-0", "entry 0-1-0", 1),
		"line 8: ": good + "what is this",
	} {
		path := filepath.Join(t.TempDir(), "checkpoints")
		f.must(os.WriteFile(path, []byte(text), 0o600))
		if _, err := FromFile(path, f.verifier); err == nil || !strings.Contains(err.Error(), path+": "+want) {
			t.Errorf("%v, want it to name %q, of\n%s", err, want, text)
		}
	}
	if _, err := FromFile(filepath.Join(t.TempDir(), "none"), f.verifier); err == nil {
		t.Error("a file that is not there was read")
	}
}

// TestAnySingleMutation: whatever is done to one row, by somebody who does not compute links, is found without checkpoints
// and named.
func TestAnySingleMutation(t *testing.T) {
	f := newFixture(t)
	f.bookAll()
	f.save()
	var ids []ledger.EntryID
	rows, err := f.db.Pool.Query(t.Context(), `SELECT partition, position, ordinal FROM entries ORDER BY partition, position, ordinal`)
	f.must(err)
	for rows.Next() {
		var id ledger.EntryID
		f.must(rows.Scan(&id.Partition, &id.Position, &id.Index))
		ids = append(ids, id)
	}
	f.must(rows.Err())
	rapid.Check(t, func(r *rapid.T) {
		f.restore()
		id := rapid.SampledFrom(ids).Draw(r, "entry")
		posting := rapid.IntRange(1, 3).Draw(r, "posting")
		delta := rapid.Int64Range(1, 1<<40).Draw(r, "delta")
		where := fmt.Sprintf(` WHERE partition = %d AND position = %d AND ordinal = %d`, id.Partition, id.Position, id.Index)
		change := rapid.SampledFrom([]string{
			fmt.Sprintf(`UPDATE entries SET amounts[%d] = amounts[%d] + %d`, posting, posting, delta),
			fmt.Sprintf(`UPDATE entries SET accounts[%d] = '%032x'`, posting, delta),
			fmt.Sprintf(`UPDATE entries SET booked_at = booked_at + %d * interval '1 microsecond'`, delta),
			fmt.Sprintf(`UPDATE entries SET effective = booked_at - %d * interval '1 microsecond'`, delta),
			fmt.Sprintf(`UPDATE entries SET reference = '%d'`, delta),
			fmt.Sprintf(`UPDATE entries SET template = '%d'`, delta),
			fmt.Sprintf(`UPDATE entries SET payment = '%032x'`, delta<<16),
			fmt.Sprintf(`UPDATE entries SET link = link + %d`, delta),
			`UPDATE entries SET position = position + 20`,
			`DELETE FROM entries`,
		}).Draw(r, "change")
		f.exec(change + where)
		problems, _, _ := f.verify(false)
		if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), "entry "+id.String()+":") {
			r.Fatalf("%s%s: found %q", change, where, problems)
		}
	})
}
