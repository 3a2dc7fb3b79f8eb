package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

const (
	childDirectory = "WEIR_BROKER_TEST_DIRECTORY" // makes the test binary the process that is killed
	kills          = 25
	readLimit      = 2 * time.Minute
)

// outputs are the topics that one transaction of the child writes, one record each.
func outputs() []string { return []string{topics.Events, topics.Entries, topics.Positions} }

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDirectory); dir != "" {
		if err := produceUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// produceUntilKilled runs an embedded broker and, on each of two partitions, one transaction after another, and prints
// "partition number" once a transaction is committed. A number is never used again, so that a repeat is seen.
func produceUntilKilled(dir string) error {
	log := slog.New(slog.DiscardHandler)
	embedded, err := StartEmbedded(dir, 0, log)
	if err != nil {
		return err
	}
	ctx := context.Background()
	config := Config{Brokers: embedded.Brokers}
	admin, err := kgo.NewClient(config.Options(log)...)
	if err != nil {
		return err
	}
	if err := ApplyTopics(ctx, kadm.NewClient(admin), 2, 1); err != nil {
		return err
	}
	errs := make(chan error)
	for partition := range int32(2) {
		go func() { errs <- produceTransactions(ctx, config, partition, log) }()
	}
	return <-errs
}

func produceTransactions(ctx context.Context, config Config, partition int32, log *slog.Logger) error {
	client, err := kgo.NewClient(append(config.Options(log), kgo.TransactionalID(fmt.Sprintf("weir-test-%d", partition)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	if err != nil {
		return err
	}
	for number := time.Now().UnixNano(); ; number++ {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		value := []byte(strconv.FormatInt(number, 10))
		for _, topic := range outputs() {
			record := &kgo.Record{Topic: topic, Partition: partition, Key: value, Value: value}
			if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
				return err
			}
		}
		if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
			return err
		}
		fmt.Println(partition, number)
	}
}

// TestAKilledBrokerKeepsTransactionsWhole kills the broker's process at random instants, many of them inside a
// transaction or its commit, and reads what is left: every transaction is in all topics or in none, one that was
// acknowledged is there, none is there twice, and a reader reaches the end.
func TestAKilledBrokerKeepsTransactionsWhole(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for range kills {
		for _, line := range runAndKill(t, dir) {
			acknowledged[line] = true
		}
	}
	embedded, err := StartEmbedded(dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	if len(acknowledged) < kills {
		t.Fatalf("only %d transactions were acknowledged", len(acknowledged))
	}
	seen := map[string][]string{} // transaction: topics
	for _, topic := range outputs() {
		for _, line := range readCommitted(t, embedded, topic) {
			seen[line] = append(seen[line], topic)
		}
	}
	for line, in := range seen {
		if want := strings.Join(outputs(), " "); strings.Join(in, " ") != want {
			t.Errorf("transaction %s is in %v, want in each of %s once", line, in, want)
		}
	}
	for line := range acknowledged {
		if seen[line] == nil {
			t.Errorf("transaction %s was acknowledged and is lost", line)
		}
	}
	t.Logf("%d kills, %d transactions acknowledged, %d read", kills, len(acknowledged), len(seen))
}

// runAndKill starts the child, kills it some transactions and a random moment later, and returns what it acknowledged.
func runAndKill(t *testing.T, dir string) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDirectory+"="+dir)
	var failure strings.Builder
	child.Stderr = &failure
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	after := 1 + rand.N(30)
	scanner := bufio.NewScanner(output)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if len(lines) == after {
			// Not a wait for anything: it spreads the kills over the steps of a transaction.
			time.AfterFunc(rand.N(10*time.Millisecond), func() { _ = child.Process.Kill() })
		}
	}
	err = child.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed: %v: %s", err, failure.String())
	}
	return lines
}

// readCommitted returns "partition value" of every committed record of a topic. It fails when the end is out of reach.
func readCommitted(t *testing.T, embedded *Embedded, topic string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readLimit)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	client, err := kgo.NewClient(append(Config{Brokers: embedded.Brokers}.Options(log), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset - 1
		}
	})
	var lines []string
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("topic %s: the reader stands before the last records %v: %v", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				lines = append(lines, fmt.Sprintf("%d %s", r.Partition, r.Value))
			}
			if last, ok := left[r.Partition]; ok && r.Offset >= last {
				delete(left, r.Partition)
			}
		})
	}
	return lines
}

// TestACommitThatWasCutShortIsFinished takes the marker of one partition away, as a crash between two markers would.
func TestACommitThatWasCutShortIsFinished(t *testing.T) {
	image := crashImage(t, func(client *kgo.Client) {
		transact(t, client, "whole")
		if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	})
	logs, err := readLogs(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		if l.topic == topics.Entries && len(l.batches) > 0 {
			marker := int64(len(commitMarker(transaction{}, 0, 0)))
			if err := os.Truncate(l.segment+".dat", l.valid-marker+7); err != nil { // some bytes of it reached the disk
				t.Fatal(err)
			}
		}
	}
	embedded := startOnImage(t, image)
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); !slices.Equal(got, []string{"0 whole"}) {
			t.Errorf("topic %s holds %v, want the transaction", topic, got)
		}
	}
	// The log goes on where the repaired marker ends.
	client := transactional(t, embedded)
	transact(t, client, "next")
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); !slices.Equal(got, []string{"0 whole", "0 next"}) {
			t.Errorf("topic %s holds %v, want both transactions", topic, got)
		}
	}
}

// TestAnOpenTransactionIsAbortedForReaders checks that the next transaction of the same producer is not taken for the one
// that a crash left open.
func TestAnOpenTransactionIsAbortedForReaders(t *testing.T) {
	image := crashImage(t, func(client *kgo.Client) { transact(t, client, "open") })
	embedded := startOnImage(t, image)
	client := transactional(t, embedded)
	transact(t, client, "next")
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); !slices.Equal(got, []string{"0 next"}) {
			t.Errorf("topic %s holds %v, want the second transaction alone", topic, got)
		}
	}
}

// TestAnIndexThatIsTornIsMadeAnew has some bytes of an entry in the index that found no room, and the entries of later batches
// after them.
func TestAnIndexThatIsTornIsMadeAnew(t *testing.T) {
	image := crashImage(t, func(client *kgo.Client) {
		for range 2 {
			transact(t, client, "aborted")
			if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
				t.Fatal(err)
			}
		}
	})
	logs, err := readLogs(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		if len(l.batches) == 0 {
			continue
		}
		index, err := os.ReadFile(l.segment + ".idx")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.segment+".idx", slices.Concat(index[:7], index), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	embedded := startOnImage(t, image)
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); len(got) > 0 {
			t.Errorf("topic %s holds %v, which was aborted", topic, got)
		}
	}
}

// TestACleanStopKeepsTransactionsOpen checks that nothing is settled for a producer that outlives the broker.
func TestACleanStopKeepsTransactionsOpen(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	embedded, err := StartEmbedded(dir, 0, log)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(embedded.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	applyTopics(t, embedded)
	client := transactional(t, embedded)
	transact(t, client, "over the restart")
	if err := embedded.Close(); err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	embedded, err = StartEmbedded(dir, number, log)
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); !slices.Equal(got, []string{"0 over the restart"}) {
			t.Errorf("topic %s holds %v, want the transaction", topic, got)
		}
	}
}

// crashImage returns a copy of a data directory as it is after work, while the broker still runs: what a kill leaves.
func crashImage(t *testing.T, work func(*kgo.Client)) string {
	t.Helper()
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
	embedded, err := StartEmbedded(dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	applyTopics(t, embedded)
	work(transactional(t, embedded))
	if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return image
}

func startOnImage(t *testing.T, image string) *Embedded {
	t.Helper()
	embedded, err := StartEmbedded(image, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := embedded.Close(); err != nil {
			t.Error(err)
		}
	})
	return embedded
}

func applyTopics(t *testing.T, embedded *Embedded) {
	t.Helper()
	client, err := kgo.NewClient(Config{Brokers: embedded.Brokers}.Options(slog.New(slog.DiscardHandler))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := ApplyTopics(t.Context(), kadm.NewClient(client), 2, 1); err != nil {
		t.Fatal(err)
	}
}

func transactional(t *testing.T, embedded *Embedded) *kgo.Client {
	t.Helper()
	options := Config{Brokers: embedded.Brokers}.Options(slog.New(slog.DiscardHandler))
	client, err := kgo.NewClient(append(options, kgo.TransactionalID("weir-test-0"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// transact writes value to every output in a transaction that stays open.
func transact(t *testing.T, client *kgo.Client, value string) {
	t.Helper()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, topic := range outputs() {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}
