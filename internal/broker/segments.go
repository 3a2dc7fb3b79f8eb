package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The embedded broker's files, as far as settling transactions needs them: for each partition a directory
// partitions/<topic>-<number> with segments <first offset>.dat, which hold record batches as on the wire, and beside each
// an <first offset>.idx with one entry for each batch.
const (
	batchHeader  = 61 // bytes of a record batch before its records
	lengthOffset = 12 // bytes that the batch's own length does not count
	crcOffset    = 21 // bytes that its checksum does not cover
	largestBatch = 1 << 30
	indexEntry   = 15 // bytes
	indexVersion = 1
	segmentRead  = 1 << 20 // bytes read at a time

	attributeTransactional = 0x10
	attributeControl       = 0x20
)

// partitionLog is one partition on disk.
type partitionLog struct {
	dir       string
	topic     string
	partition int32

	open      map[int64]*transaction // by producer id: batches without a marker after them
	committed map[int64]transaction  // by producer id: the last commit marker

	segment string // path of the last segment without its extension
	valid   int64  // bytes of it that hold whole batches
	batches []bool // of it: whether each is transactional data
	next    int64  // offset
	epoch   int32  // of the partition's leader
}

// transaction is what one partition knows of one.
type transaction struct {
	producer int64
	epoch    int16
	time     int64 // milliseconds: of its latest record, or of its marker
}

// readLogs reads every partition of a data directory.
func readLogs(dir string) ([]*partitionLog, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var logs []*partitionLog
	for _, entry := range entries {
		cut := strings.LastIndexByte(entry.Name(), '-')
		if cut < 0 || !entry.IsDir() {
			continue
		}
		topic, err := url.PathUnescape(entry.Name()[:cut])
		number, err2 := strconv.ParseInt(entry.Name()[cut+1:], 10, 32)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("directory %s is not that of a partition: %w", entry.Name(), err)
		}
		l := &partitionLog{
			dir: filepath.Join(dir, "partitions", entry.Name()), topic: topic, partition: int32(number),
			open: map[int64]*transaction{}, committed: map[int64]transaction{},
		}
		if err := l.read(); err != nil {
			return nil, fmt.Errorf("topic %s partition %d: %w", topic, number, err)
		}
		logs = append(logs, l)
	}
	return logs, nil
}

func (l *partitionLog) read() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	var bases []int64
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".dat"); ok {
			base, err := strconv.ParseInt(name, 10, 64)
			if err != nil {
				return fmt.Errorf("segment %s: %w", entry.Name(), err)
			}
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	for _, base := range bases {
		if err := l.readSegment(base); err != nil {
			return err
		}
	}
	return nil
}

// readSegment reads whole batches up to the first that is cut off or damaged, as the broker does when it starts.
func (l *partitionLog) readSegment(base int64) error {
	l.segment, l.valid, l.batches = filepath.Join(l.dir, strconv.FormatInt(base, 10)), 0, l.batches[:0]
	file, err := os.Open(l.segment + ".dat")
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, segmentRead)
	var batch []byte
	for {
		batch, err = readBatch(reader, batch)
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
			return nil
		}
		if err != nil {
			return err
		}
		l.valid += int64(len(batch))
		if err := l.follow(batch); err != nil {
			return err
		}
	}
}

var errTorn = errors.New("batch is cut off or damaged")

// readBatch reads one batch into buf, which grows as needed.
func readBatch(reader *bufio.Reader, buf []byte) ([]byte, error) {
	head, err := reader.Peek(lengthOffset)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			return buf, errTorn
		}
		return buf, err
	}
	length := int64(binary.BigEndian.Uint32(head[8:]))
	if length < batchHeader-lengthOffset || length > largestBatch {
		return buf, errTorn
	}
	buf = slices.Grow(buf[:0], int(length)+lengthOffset)[:length+lengthOffset]
	if _, err := io.ReadFull(reader, buf); errors.Is(err, io.ErrUnexpectedEOF) {
		return buf, errTorn
	} else if err != nil {
		return buf, err
	}
	if crc32.Checksum(buf[crcOffset:], castagnoli()) != binary.BigEndian.Uint32(buf[crcOffset-4:]) {
		return buf, errTorn
	}
	return buf, nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// follow keeps account of what a batch opens or closes.
func (l *partitionLog) follow(raw []byte) error {
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(raw); err != nil {
		return fmt.Errorf("batch at offset %d: %w", l.next, err)
	}
	l.next = batch.FirstOffset + int64(batch.LastOffsetDelta) + 1
	l.epoch = batch.PartitionLeaderEpoch
	data := batch.Attributes&attributeTransactional != 0 && batch.Attributes&attributeControl == 0
	l.batches = append(l.batches, data)
	if data {
		t := l.open[batch.ProducerID]
		if t == nil {
			t = &transaction{producer: batch.ProducerID}
			l.open[batch.ProducerID] = t
		}
		t.epoch, t.time = batch.ProducerEpoch, max(t.time, batch.MaxTimestamp)
		return nil
	}
	if batch.Attributes&attributeControl == 0 {
		return nil
	}
	delete(l.open, batch.ProducerID)
	var record kmsg.Record
	var key kmsg.ControlRecordKey
	if err := record.ReadFrom(batch.Records); err != nil {
		return fmt.Errorf("marker at offset %d: %w", batch.FirstOffset, err)
	}
	if err := key.ReadFrom(record.Key); err != nil {
		return fmt.Errorf("marker at offset %d: %w", batch.FirstOffset, err)
	}
	if key.Type == kmsg.ControlRecordKeyTypeCommit {
		l.committed[batch.ProducerID] = transaction{batch.ProducerID, batch.ProducerEpoch, batch.MaxTimestamp}
	}
	return nil
}

// repair cuts off what a crash left half written at the end of the last segment, and makes its index that of its batches: a
// crash, or a disk that is full, falls between the two writes or into the second.
func (l *partitionLog) repair() error {
	if l.segment == "" {
		return nil
	}
	if err := os.Truncate(l.segment+".dat", l.valid); err != nil {
		return err
	}
	index, err := os.OpenFile(l.segment+".idx", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	have, err := l.indexed(index)
	if err != nil {
		return errors.Join(err, index.Close())
	}
	var missing []byte
	for _, transactional := range l.batches[have:] {
		missing = append(missing, l.indexEntry(transactional)...)
	}
	if err = index.Truncate(int64(have) * indexEntry); err == nil {
		_, err = index.WriteAt(missing, int64(have)*indexEntry)
	}
	return errors.Join(err, index.Sync(), index.Close())
}

// indexed counts the batches of the last segment up to the first without an entry of its own.
func (l *partitionLog) indexed(index *os.File) (int, error) {
	entries, err := io.ReadAll(index)
	if err != nil {
		return 0, err
	}
	for i, transactional := range l.batches {
		if len(entries) < (i+1)*indexEntry {
			return i, nil
		}
		entry := entries[i*indexEntry:][:indexEntry]
		if entry[0] != indexVersion || entry[1] != indexSum(entry) || (entry[indexEntry-1] == 1) != transactional {
			return i, nil
		}
	}
	return len(l.batches), nil
}

// indexSum is the checksum of an entry.
func indexSum(entry []byte) byte { return byte(crc32.Checksum(entry[2:], castagnoli())) }

// appendCommit writes a commit marker for the transaction at the end of the log.
func (l *partitionLog) appendCommit(t transaction) error {
	marker := commitMarker(t, l.next, l.epoch)
	segment, err := os.OpenFile(l.segment+".dat", os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = segment.Write(marker)
	if err := errors.Join(err, segment.Sync(), segment.Close()); err != nil {
		return err
	}
	// A crash here leaves the index one entry short, which the next start repairs.
	l.next++
	l.valid += int64(len(marker))
	l.batches = append(l.batches, false)
	delete(l.open, t.producer)
	return l.repair()
}

// indexEntry is a batch's entry: version, checksum, leader epoch, a timestamp that the broker computes anew, and whether
// the batch is transactional data. Integers are little-endian.
func (l *partitionLog) indexEntry(transactional bool) []byte {
	entry := make([]byte, indexEntry)
	entry[0] = indexVersion
	binary.LittleEndian.PutUint32(entry[2:], uint32(l.epoch))
	if transactional {
		entry[indexEntry-1] = 1
	}
	entry[1] = indexSum(entry)
	return entry
}

// commitMarker is the control batch that ends a transaction.
func commitMarker(t transaction, offset int64, leaderEpoch int32) []byte {
	key := kmsg.ControlRecordKey{Type: kmsg.ControlRecordKeyTypeCommit}
	var value kmsg.EndTxnMarker
	record := kmsg.Record{Key: key.AppendTo(nil), Value: value.AppendTo(nil)}
	record.Length = int32(len(record.AppendTo(nil)) - 1) // its own length takes one byte
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		FirstOffset:          offset,
		PartitionLeaderEpoch: leaderEpoch,
		Magic:                2,
		Attributes:           attributeTransactional | attributeControl,
		FirstTimestamp:       now,
		MaxTimestamp:         now,
		ProducerID:           t.producer,
		ProducerEpoch:        t.epoch,
		FirstSequence:        -1,
		NumRecords:           1,
		Records:              record.AppendTo(nil),
	}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-lengthOffset))
	binary.BigEndian.PutUint32(raw[crcOffset-4:], crc32.Checksum(raw[crcOffset:], castagnoli()))
	return raw
}
