package backtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What compressed files begin with.
var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

const readBuffer = 1 << 20

// maxZstdWindow bounds what a zstd file may make the reader allocate; zstd --long=27 stays within it.
const maxZstdWindow = 128 << 20

// Open opens a file, which may be compressed by gzip or zstd whatever its name; "-" is standard input.
func Open(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return decompressed(io.NopCloser(stdin))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in, err := decompressed(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return in, nil
}

// input is a file and what reads it.
type input struct {
	io.Reader
	close func() error
}

func (i *input) Close() error { return i.close() }

func decompressed(f io.ReadCloser) (io.ReadCloser, error) {
	from := bufio.NewReaderSize(f, readBuffer)
	begin, err := from.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(begin, gzipMagic):
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, err
		}
		return &input{z, func() error { return errors.Join(z.Close(), f.Close()) }}, nil
	case bytes.Equal(begin, zstdMagic):
		z, err := zstd.NewReader(from, zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, err
		}
		return &input{z, func() error { z.Close(); return f.Close() }}, nil
	}
	return &input{from, f.Close}, nil
}
