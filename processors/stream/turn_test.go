package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// turnsOf are the first turns of partitions that have fetched these lines, all of which a batch holds.
func (b *bench) turnsOf(lines [][]string, change ...func(*FoldConfig)) []*turn {
	b.t.Helper()
	f, err := NewFold(b.config(append(change, func(c *FoldConfig) { c.Limits.BatchRecords = len(lines[0]) })...))
	if err != nil {
		b.t.Fatal(err)
	}
	var all []*turn
	for p := range int32(len(lines)) {
		s := &session{Fold: f, partition: p, suspects: &suspects{}, status: newPartitionStatus(f.metrics, p), log: f.log}
		if err := s.open(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		in := &intake{session: s}
		for i, line := range lines[p] {
			key, value, _ := strings.Cut(line, " ")
			in.held = append(in.held, &kgo.Record{Topic: topics.Inbox, Partition: p, Offset: int64(i), Key: []byte(key), Value: []byte(value)})
		}
		all = append(all, &turn{session: s, intake: in})
	}
	return all
}

// stored is the applied position and the sum of the totals of each partition, -1 and -1 where there is none.
func (b *bench) stored() (all [][2]int64) {
	b.t.Helper()
	for p := range b.partitions {
		var row [2]int64
		err := b.db.Pool.QueryRow(b.t.Context(), `SELECT coalesce((SELECT next FROM stream_positions WHERE partition = $1), -1),
			coalesce((SELECT sum(total)::int8 FROM toy WHERE partition = $1), -1)`, p).Scan(&row[0], &row[1])
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// transactions is how many transactions have written the rows of all partitions.
func (b *bench) transactions() (n int) {
	b.t.Helper()
	err := b.db.Pool.QueryRow(b.t.Context(), `SELECT count(DISTINCT xmin::text) FROM (
		SELECT xmin FROM stream_positions UNION ALL SELECT xmin FROM stream_log UNION ALL SELECT xmin FROM toy) AS written`).Scan(&n)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// onPostgreSQL skips where rows do not name their transaction.
func (b *bench) onPostgreSQL() {
	if b.db.Dialect != database.PostgreSQL {
		b.t.Skip("rows have no xmin")
	}
}

func TestTurnsShareATransaction(t *testing.T) {
	b := newBench(t, 3)
	b.onPostgreSQL()
	all := b.turnsOf([][]string{{"a add 1", "b add 2"}, {"a add 3", "a add 4"}, {"c add 5", "d add 6"}})
	if errs := take(t.Context(), b.db, all...); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	if got, want := b.stored(), [][2]int64{{2, 3}, {2, 7}, {2, 11}}; !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
	if n := b.transactions(); n != 1 {
		t.Errorf("%d transactions, want one", n)
	}
}

// What one turn fails on is its own: the others are stored, and their records have nothing to answer for.
func TestTurnFailsAlone(t *testing.T) {
	for _, test := range []struct {
		name       string
		line       string // the second one of partition 1
		damage     func(*bench)
		as         func(error) bool
		constraint string
		blamed     bool
	}{
		{name: "Load fails", line: "a nul", as: database.IsData, blamed: true},
		{name: "Apply panics", line: "a panic", as: func(err error) bool {
			var condemned *condemnedError
			return errors.As(err, &condemned) && condemned.position == 1
		}},
		{name: "a statement fails", line: "a poison", as: database.IsData, constraint: "toy_total", blamed: true},
		{name: "the fence is stale", line: "a add 1", as: func(err error) bool { return errors.Is(err, errStale) }, damage: func(b *bench) {
			b.exec(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
				VALUES ('toy', 1, 9, 0, $1, '', 1)`, make([]byte, 16))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 3)
			want := [][2]int64{{2, 3}, {-1, -1}, {2, 11}}
			if test.damage != nil {
				test.damage(b)
				want[1][0] = 9
			}
			all := b.turnsOf([][]string{{"a add 1", "b add 2"}, {"a add 3", test.line}, {"c add 5", "d add 6"}})
			errs := take(t.Context(), b.db, all...)
			if errs[0] != nil || errs[2] != nil || !test.as(errs[1]) {
				t.Fatalf("errors %v, want one of the middle one alone", errs)
			}
			if got := database.Constraint(errs[1]); got != test.constraint || blamesData(errs[1]) != test.blamed {
				t.Errorf("constraint %q, blames data: %t; want %q, %t", got, blamesData(errs[1]), test.constraint, test.blamed)
			}
			if got := b.stored(); !slices.Equal(got, want) {
				t.Errorf("stored %v, want %v", got, want)
			}
		})
	}
}

// Where nobody knows what became of a COMMIT, no turn of it knows, and none is tried again.
func TestOutcomeOfASharedCommitIsUnknownToAll(t *testing.T) {
	for name, test := range map[string]struct {
		fault chaos.Fault
		want  [][2]int64
	}{
		"COMMIT is lost":     {chaos.LoseRequest, [][2]int64{{-1, -1}, {-1, -1}}},
		"its answer is lost": {chaos.LoseAnswer, [][2]int64{{1, 1}, {1, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 2)
			_, sql, change := b.proxied()
			all := b.turnsOf([][]string{{"a add 1"}, {"a add 2"}}, change)
			sql.Arm(chaos.Prepared("commit"), 0, test.fault)
			for i, err := range take(t.Context(), all[0].config.DB, all...) {
				if !errors.Is(err, database.ErrOutcomeUnknown) || blamesData(err) {
					t.Errorf("partition %d: %v, want an unknown outcome", i, err)
				}
			}
			if got := b.stored(); !slices.Equal(got, test.want) {
				t.Errorf("stored %v, want %v", got, test.want)
			}
		})
	}
}

// Who holds much takes its turn alone, and so does who has failed, until it has not.
func TestWhoTakesTurnsAlone(t *testing.T) {
	b := newBench(t, 1)
	shared := 0
	apply := func(in *intake) error {
		in.together = database.NewGather(sharedSessions, 0, func(ctx context.Context, all []*turn) []error {
			shared += len(all)
			return take(ctx, b.db, all...)
		})
		_, err := in.apply(t.Context(), in)
		return err
	}
	lines := slices.Repeat([]string{"a add 1"}, sharedRecords)
	var kept suspects
	for _, step := range []struct {
		name   string
		lines  []string
		shares int
		fails  bool
	}{
		{name: "more than may share", lines: append(slices.Clone(lines), "a add 1")},
		{name: "as much as may share", lines: lines, shares: 1},
		{name: "fails", lines: []string{"a poison"}, shares: 1, fails: true},
		{name: "fails again", lines: []string{"a hopeless"}, fails: true},
		{name: "after a failure", lines: []string{"a add 1"}},
		{name: "after that", lines: []string{"a add 1"}, shares: 1},
	} {
		in := b.turnsOf([][]string{step.lines})[0].intake
		b.exec(`DELETE FROM stream_positions`)
		b.exec(`DELETE FROM stream_log`)
		kept.sentences, kept.limit = nil, 0
		in.suspects = &kept
		shared = 0
		if err := apply(in); (err != nil) != step.fails {
			t.Fatalf("%s: %v", step.name, err)
		}
		if shared != step.shares {
			t.Errorf("%s: %d turns together, want %d", step.name, shared, step.shares)
		}
	}
}

// Several partitions of a running Fold with little to do each: they share transactions, whatever happens to one of them.
func TestPartitionsShareTransactions(t *testing.T) {
	b := newBench(t, 4)
	b.onPostgreSQL()
	_, sql, change := b.proxied()
	b.start(change, func(c *FoldConfig) { c.Limits.BatchInterval = 50 * time.Millisecond })
	round := func(second string) {
		for p := range b.partitions {
			line := "k add 1"
			if p == 1 {
				line = second
			}
			b.send(p, "k add 2", line)
		}
	}
	waitFor(t, "partitions share a transaction", func() bool {
		round("k add 1")
		var most int
		err := b.db.Pool.QueryRow(t.Context(), `SELECT max(n) FROM (
			SELECT count(*) AS n FROM stream_positions GROUP BY xmin::text UNION ALL SELECT 0) AS shared`).Scan(&most)
		if err != nil {
			t.Fatal(err)
		}
		return most > 1
	})
	for _, poison := range []string{"poison", "taken", "nul", "hopeless"} {
		round(fmt.Sprintf("k %s", poison))
	}
	b.settle()
	for _, fault := range []chaos.Fault{chaos.LoseRequest, chaos.LoseAnswer} {
		armed := sql.Arm(chaos.Prepared("commit"), 1, fault)
		waitFor(t, "a COMMIT is lost", func() bool {
			round("k add 1")
			select {
			case <-armed.Fired():
				return true
			default:
				return false
			}
		})
		b.settle()
	}
}
