package chain

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/topics"
)

// Checkpoint is a statement of what a partition's chain was at a time. Its text has the form of a tlog-checkpoint
// (c2sp.org/tlog-checkpoint); head stands in the place of a Merkle root:
//
//	weir/production/ledger/3             the signer's name, /ledger/ and the partition
//	1204                                 entries chained
//	jVnAX2D4…=                           head, base64
//	entry 3-5120-0                       id of the last of these entries
//	signed 2026-01-31T09:30:00.25Z       when
//
// Signed, it is a note (golang.org/x/mod/sumdb/note): the text, an empty line, and a line with the signature.
type Checkpoint struct {
	Signer string // the name of the key, such as weir/production
	Head   Head
	Signed time.Time
}

// Text is what is signed.
func (c *Checkpoint) Text() string {
	return fmt.Sprintf("%s/ledger/%d\n%d\n%s\nentry %s\nsigned %s\n", c.Signer, c.Head.Partition, c.Head.Entries,
		base64.StdEncoding.EncodeToString(c.Head.Hash[:]), c.Head.Last(), c.Signed.UTC().Format(time.RFC3339Nano))
}

// Sign is the checkpoint as a signed note. Its signer is that of the key.
func Sign(head Head, at time.Time, signer note.Signer) ([]byte, error) {
	c := Checkpoint{Signer: signer.Name(), Head: head, Signed: at}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign the checkpoint of partition %d: %w", head.Partition, err)
	}
	return signed, nil
}

// Open reads a signed note. It is an error where no signature is by one of the verifiers, or where the text is not a
// checkpoint in the name of one that has signed.
func Open(message []byte, verifiers ...note.Verifier) (Checkpoint, error) {
	n, err := note.Open(message, note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parse(n.Text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	for _, signature := range n.Sigs {
		if signature.Name == c.Signer {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("checkpoint: its first line names %q, it is signed by %q", c.Signer, n.Sigs[0].Name)
}

func parse(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 6 {
		return c, fmt.Errorf("%d lines, want origin, size, head, entry and signed", len(lines)-1)
	}
	signer, partition, ok := cutLast(lines[0], "/ledger/")
	number, err := strconv.ParseInt(partition, 10, 32)
	if !ok || err != nil {
		return c, fmt.Errorf("origin %q, want such as weir/production/ledger/3", lines[0])
	}
	c.Signer, c.Head.Partition = signer, int32(number)
	if c.Head.Entries, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Head.Entries < 1 {
		return c, fmt.Errorf("size %q, want a number above zero", lines[1])
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != len(c.Head.Hash) {
		return c, fmt.Errorf("head %q, want %d bytes in base64", lines[2], len(c.Head.Hash))
	}
	c.Head.Hash = [len(c.Head.Hash)]byte(hash)
	id, err := topics.ParseEventID(strings.TrimPrefix(lines[3], "entry "))
	if err != nil || id.Partition != c.Head.Partition {
		return c, fmt.Errorf("line %q, want \"entry \" and the id of an entry of partition %d", lines[3], c.Head.Partition)
	}
	c.Head.Position, c.Head.Index = id.Position, id.Index
	if c.Signed, err = time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[4], "signed ")); err != nil {
		return c, fmt.Errorf("line %q, want \"signed \" and a time", lines[4])
	}
	return c, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+len(separator):], true
}

// PublicKey is the verifier's key that belongs to a signer's key, as note.GenerateKey makes both.
func PublicKey(signerKey string) (string, error) {
	if _, err := note.NewSigner(signerKey); err != nil {
		return "", err
	}
	parts := strings.SplitN(signerKey, "+", 5) // PRIVATE, KEY, name, hash, and algorithm and seed in base64
	secret, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(secret) != 1+ed25519.SeedSize {
		return "", errors.New("malformed signer's key")
	}
	public, ok := ed25519.NewKeyFromSeed(secret[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("malformed signer's key")
	}
	return note.NewEd25519VerifierKey(parts[2], public)
}
