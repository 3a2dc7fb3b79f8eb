package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// validated is a command or an event as producers write it.
type validated interface{ Validate() *topics.Refusal }

// readInput reads and validates one command, of a payment or a wallet, or one customer event. Its bytes are never printed:
// they may hold a card number.
func readInput(file string, stdin io.Reader) (rules.Input, error) {
	in, name := stdin, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return rules.Input{}, fmt.Errorf("read the command: %w", err)
		}
		defer f.Close()
		in, name = f, file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxCommandBytes+1))
	if err != nil {
		return rules.Input{}, fmt.Errorf("read the command: %w", err)
	}
	if len(data) > maxCommandBytes {
		return rules.Input{}, fmt.Errorf("%s: the command has more than %d bytes", name, maxCommandBytes)
	}
	read, record, err := inputOf(data)
	if err != nil {
		return rules.Input{}, fmt.Errorf("%s: %w", name, err)
	}
	refusal := record.Validate()
	if refusal == nil && topics.FindCardNumber(data) {
		refusal = &topics.Refusal{Code: topics.RefusedCardNumber, Detail: "the command holds a card number"}
	}
	if refusal != nil {
		return rules.Input{}, fmt.Errorf("%s: the command would be refused before any rule sees it: %s", name, refusal)
	}
	return read, nil
}

// inputOf decodes a record by what it says of itself.
func inputOf(data []byte) (in rules.Input, record validated, err error) {
	var kind struct {
		EventID string                   `json:"event_id"`
		Type    topics.WalletCommandType `json:"type"`
	}
	if err := topics.Unmarshal(data, &kind); err != nil {
		return in, nil, err
	}
	walletTypes := []topics.WalletCommandType{topics.WalletCredit, topics.WalletDebit, topics.WalletHold, topics.WalletCaptureHold,
		topics.WalletReleaseHold, topics.WalletRollbackRound, topics.WalletClose, topics.WalletSetLimit}
	switch {
	case kind.EventID != "":
		in.Event = &topics.CustomerEvent{}
		return in, in.Event, topics.Unmarshal(data, in.Event)
	case slices.Contains(walletTypes, kind.Type):
		in.Wallet = &topics.WalletCommand{}
		return in, in.Wallet, topics.Unmarshal(data, in.Wallet)
	}
	in.Command = &topics.Command{}
	return in, in.Command, topics.Unmarshal(data, in.Command)
}
