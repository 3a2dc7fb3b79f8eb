package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	abortLimit = 30 * time.Second // for all abort markers of one start
	// cleanStop is the file that a clean stop, which keeps open transactions open, writes, and the start that reads it removes.
	cleanStop = "session_state.json"
	// sequences is the file of the producers' last batches, by which a repeat is known. Beside epochs of before it would take
	// other batches for repeats.
	sequences = "seq_windows.json"
)

// settle repairs what a killed embedded broker left in dir, before it starts again, and returns the transactions that are
// to be aborted once it runs.
//
// The broker writes a transaction's commit markers partition by partition and keeps no record of the decision. A crash
// between two markers would leave a transaction that is committed in one partition and not in another: one that has a
// commit marker anywhere is committed, and gets the missing ones here. Any other open transaction is aborted. The broker
// does so by itself when it starts, but writes no abort marker, and without one clients drop the next committed
// transaction of the same producer.
//
// A crash in here changes nothing for the next call: a marker that is written is not needed again.
func settle(dir string, log *slog.Logger) ([]kadm.TxnMarkers, error) {
	if _, err := os.Stat(filepath.Join(dir, cleanStop)); err == nil {
		return nil, nil
	}
	logs, err := readLogs(dir)
	if err != nil {
		return nil, err
	}
	committed := map[int64][]transaction{}
	for _, l := range logs {
		for producer, t := range l.committed {
			committed[producer] = append(committed[producer], t)
		}
	}
	var aborts []kadm.TxnMarkers
	for _, l := range logs {
		if err := l.repair(); err != nil {
			return nil, fmt.Errorf("repair %s: %w", l.segment, err)
		}
		if len(l.open) == 0 {
			continue
		}
		// A snapshot of an earlier clean stop may match the log and would hide the open transaction from the broker.
		if err := os.Remove(filepath.Join(l.dir, "snapshot.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for producer, t := range l.open {
			if wasCommitted(*t, committed[producer]) {
				log.Info("embedded broker: finishing the commit of a transaction", "topic", l.topic, "partition", l.partition, "producer", producer)
				if err := l.appendCommit(*t); err != nil {
					return nil, fmt.Errorf("commit marker in %s: %w", l.segment, err)
				}
				continue
			}
			topics := kadm.TopicsSet{}
			topics.Add(l.topic, l.partition)
			aborts = append(aborts, kadm.TxnMarkers{ProducerID: producer, ProducerEpoch: t.epoch, Topics: topics})
		}
	}
	return aborts, nil
}

// wasCommitted reports whether one of the producer's commit markers, each the last in its partition, belongs to t. Since
// KIP-890 the epoch names one transaction; of older clients, which keep it, the time tells.
func wasCommitted(t transaction, markers []transaction) bool {
	for _, marker := range markers {
		if marker.epoch == t.epoch && marker.time >= t.time {
			return true
		}
	}
	return false
}

// abort writes the abort markers that the broker owes its readers. A crash before the last one leaves the log as it was
// for the next start.
func abort(brokers []string, markers []kadm.TxnMarkers, log *slog.Logger) error {
	if len(markers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), abortLimit)
	defer cancel()
	client, err := kgo.NewClient(Config{Brokers: brokers}.Options(log)...)
	if err != nil {
		return err
	}
	defer client.Close()
	responses, err := kadm.NewClient(client).WriteTxnMarkers(ctx, markers...)
	if err != nil {
		return fmt.Errorf("abort markers: %w", err)
	}
	responses.EachPartition(func(r kadm.TxnMarkersPartitionResponse) {
		if r.Err != nil {
			err = errors.Join(err, fmt.Errorf("abort marker in topic %s partition %d: %w", r.Topic, r.Partition, r.Err))
		}
	})
	log.Info("embedded broker: aborted what a killed process left open", "markers", len(markers))
	return err
}
