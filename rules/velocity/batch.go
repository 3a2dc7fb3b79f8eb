package velocity

import "encoding/binary"

// A record of risk.signals.v1 or risk.features.v1 is a frame or a batch: frames of one type, each after its length. What a
// record costs the client and the broker is shared by all that is in it.
const frameBatch = 'b'

// maxBatch bounds the frames of one batch.
const maxBatch = 1 << 16

// AppendFrame puts a frame behind those of a batch; nil begins one.
func AppendFrame(batch, frame []byte) []byte {
	if len(batch) == 0 {
		batch = append(batch, format, frameBatch)
	}
	return append(binary.AppendUvarint(batch, uint64(len(frame))), frame...)
}

func isBatch(record []byte) bool {
	return len(record) > 1 && record[0] == format && record[1] == frameBatch
}

// EachFrame calls handle with each frame of a batch, or with the record itself where it is none, until an error.
func EachFrame(record []byte, handle func(frame []byte) error) error {
	if !isBatch(record) {
		return handle(record)
	}
	r := reader{frame: record, at: 2}
	for n := 0; r.err == nil && r.at < len(record); n++ {
		if n == maxBatch {
			r.fail("batch", "holds more than %d frames", maxBatch)
			break
		}
		frame := r.bytes("frame", int(r.natural("frame's length", int64(len(record)))))
		if r.err != nil {
			break
		}
		if err := handle(frame); err != nil {
			return err
		}
	}
	return r.err
}

// Batches applies records to a State. It is room that is used again, and not safe for concurrent use.
type Batches struct {
	signals []Signal
	outputs []Output
}

// Apply folds the next record of the partition as State.Apply does, all of its signals or, with an error, none. The replies
// to a batch come as a batch for each partition; they are valid until the next call, their values for ever.
func (b *Batches) Apply(s *State, recordTime int64, record []byte) ([]Output, error) {
	b.outputs = b.outputs[:0]
	if !isBatch(record) {
		reply, ok, err := s.Apply(recordTime, record)
		if ok {
			b.outputs = append(b.outputs, reply)
		}
		return b.outputs, err
	}
	n := 0
	err := EachFrame(record, func(frame []byte) error {
		n++
		b.signals = resized(b.signals, n)
		s.reader = reader{frame: frame, names: s.reader.names}
		b.signals[n-1].read(&s.reader)
		return s.reader.close()
	})
	if err != nil {
		return nil, err
	}
	for i := range b.signals[:n] {
		if reply, ok := s.applyOnce(recordTime, &b.signals[i]); ok {
			b.add(reply, len(record))
		}
	}
	return b.outputs, nil
}

// add puts a reply into the batch of its partition, which may come to about so many bytes.
func (b *Batches) add(reply Output, size int) {
	at := len(b.outputs) - 1
	for at >= 0 && b.outputs[at].Partition != reply.Partition {
		at--
	}
	if at < 0 {
		at = len(b.outputs)
		b.outputs = append(b.outputs, Output{reply.Partition, make([]byte, 0, size)})
	}
	b.outputs[at].Value = AppendFrame(b.outputs[at].Value, reply.Value)
}
