package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// validated is a command or an event as producers write it.
type validated interface{ Validate() *topics.Refusal }

// readInput reads and validates one command, of a payment, a payout or a wallet, or one customer event. Its bytes are never printed:
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

// inputOf decodes a record by what it says of itself. A create command with an authorization beside is what the issuer answered,
// and one with "stage": "payout" beside is of a payout: both have that type.
func inputOf(data []byte) (in rules.Input, record validated, err error) {
	var kind struct {
		EventID       string                   `json:"event_id"`
		Type          topics.WalletCommandType `json:"type"`
		Authorization *topics.Authorization    `json:"authorization"`
		Stage         topics.Stage             `json:"stage"`
		PayoutID      string                   `json:"payout_id"`
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
	case kind.Stage == topics.StagePayout, kind.PayoutID != "":
		in.Payout = &topics.PayoutCommand{}
		return in, in.Payout, topics.Unmarshal(data, in.Payout)
	case slices.Contains(walletTypes, kind.Type):
		in.Wallet = &topics.WalletCommand{}
		return in, in.Wallet, topics.Unmarshal(data, in.Wallet)
	}
	in.Command, in.Authorization = &topics.Command{}, kind.Authorization
	return in, in.Command, topics.Unmarshal(data, in.Command)
}

// readAnswers reads what velocity would answer: pairs of name=value, and a file of a JSON object. Every answer that the set
// defines is in what is returned; those that were not given are missing, or, for the first time, what velocity says where
// there was nothing.
func readAnswers(set *rules.Set, in *rules.Input, pairs []string, file string, firstTime bool) (map[string]topics.Feature, error) {
	texts := map[string]string{}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the answers of velocity: %w", err)
		}
		if err := topics.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("%s: want a JSON object of texts, such as {\"card_attempts_1h\": \"5\"}: %w", file, err)
		}
	}
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--velocity: want name=value, such as card_attempts_1h=5, not %q", pair)}
		}
		texts[strings.TrimPrefix(name, "velocity.")] = text
	}
	features := set.FirstAnswers(in)
	for name := range features {
		if !firstTime {
			features[name] = topics.Feature{Missing: true}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		answer, err := set.Answer(name, texts[name])
		if err != nil {
			return nil, err
		}
		features[name] = answer
	}
	return features, nil
}
