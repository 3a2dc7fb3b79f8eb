package proof

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/topics"
)

// FromTopic is the checkpoints in ledger.checkpoints.v1.
func FromTopic(kafka []kgo.Opt, verifiers ...note.Verifier) Source {
	return topicSource{kafka, verifiers}
}

type topicSource struct {
	kafka     []kgo.Opt
	verifiers []note.Verifier
}

type topicReader struct {
	*broker.PartitionReader
	partition int32
	verifiers []note.Verifier
}

func (s topicSource) Open(ctx context.Context, partition int32) (Reader, error) {
	client, err := kgo.NewClient(s.kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topics.LedgerCheckpoints)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topics.LedgerCheckpoints, err)
	}
	ends, err := broker.CommittedEnds(ctx, admin, topics.LedgerCheckpoints)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topics.LedgerCheckpoints, err)
	}
	start, there := starts.Lookup(topics.LedgerCheckpoints, partition)
	end, _ := ends.Lookup(topics.LedgerCheckpoints, partition)
	if !there {
		return nil, fmt.Errorf("%s has no partition %d", topics.LedgerCheckpoints, partition)
	}
	if err := errors.Join(start.Err, end.Err); err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topics.LedgerCheckpoints, err)
	}
	reader, err := broker.OpenPartition(s.kafka, topics.LedgerCheckpoints, partition, start.Offset, end.Offset)
	if err != nil {
		return nil, err
	}
	return &topicReader{reader, partition, s.verifiers}, nil
}

func (r *topicReader) Next(ctx context.Context) (*chain.Checkpoint, error) {
	record, err := r.PartitionReader.Next(ctx)
	if err != nil || record == nil {
		return nil, err
	}
	c, err := chain.Open(record.Value, r.verifiers...)
	if err == nil && c.Head.Partition != r.partition {
		err = fmt.Errorf("it is of partition %d", c.Head.Partition)
	}
	if err != nil {
		return nil, &BadCheckpoint{fmt.Sprintf("%s at offset %d", topics.LedgerCheckpoints, record.Offset), err}
	}
	return &c, nil
}

// FromFile is the checkpoints in a file, one after the other as they were signed, of any partitions; empty lines between
// them may be left out. One that does not verify is an error that names its line.
func FromFile(path string, verifiers ...note.Verifier) (Source, error) {
	s := fileSource{path, verifiers}
	r, err := s.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		c, err := r.read()
		if err != nil {
			return nil, err
		}
		if c == nil {
			return s, nil
		}
	}
}

type fileSource struct {
	path      string
	verifiers []note.Verifier
}

type fileReader struct {
	fileSource
	file      *os.File
	lines     *bufio.Reader
	line      int // number of the last line read
	partition int32
	ahead     []byte // the first line of the next checkpoint
}

func (s fileSource) open() (*fileReader, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	return &fileReader{fileSource: s, file: file, lines: bufio.NewReader(file)}, nil
}

func (s fileSource) Open(_ context.Context, partition int32) (Reader, error) {
	r, err := s.open()
	if err != nil {
		return nil, err
	}
	r.partition = partition
	return r, nil
}

func (r *fileReader) Close() { _ = r.file.Close() } // it was only read

func (r *fileReader) Next(context.Context) (*chain.Checkpoint, error) {
	for {
		c, err := r.read()
		if err != nil || c == nil || c.Head.Partition == r.partition {
			return c, err
		}
	}
}

const maxNoteBytes = 64 << 10

var (
	signatureLine = []byte("\u2014 ")
	emptyLine     = []byte("\n")
)

// read reads one checkpoint: a text, an empty line and the lines of its signatures.
func (r *fileReader) read() (*chain.Checkpoint, error) {
	message, begins := r.ahead, r.line
	r.ahead = nil
	signed := false
	for len(message) <= maxNoteBytes {
		line, err := r.lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("checkpoints: %w", err)
		}
		r.line++
		isSignature := bytes.HasPrefix(line, signatureLine)
		if signed && !isSignature {
			if r.ahead = line; bytes.Equal(line, emptyLine) {
				r.ahead = nil
			}
			break
		}
		if err != nil && len(line) == 0 {
			break
		}
		if len(message) == 0 {
			if begins = r.line; bytes.Equal(line, emptyLine) {
				continue
			}
		}
		if err != nil { // the last line without its end
			line = append(line, '\n')
		}
		message, signed = append(message, line...), signed || isSignature
	}
	if len(message) == 0 {
		return nil, nil
	}
	c, err := chain.Open(message, r.verifiers...)
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", r.path, begins, err)
	}
	return &c, nil
}
