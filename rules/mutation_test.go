package rules

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

// whole is a rule file with something of everything, one key on a line, so that lines can change places.
const whole = `version: 1
limits:
  large: ["250.00 EUR", "270.00 USD"]
lists:
  devices:
    entries: ["dev_1", "dev_2"]
  bins:
    match: bin_prefix
    entries: ["411111"]
rates:
  base: EUR
  max_age: 3d
  entries:
    - { date: "2026-11-20", from: EUR, to: USD, rate: 1.0842 }
velocity:
  - name: attempts
    aggregate: count
    events: [attempt]
    by: card.fingerprint
    window: 1h
rules:
  - name: alpha
    when: known(context.device_id) && context.device_id in list("devices") || card.bin in list("bins")
    outcome: block
    overridable: true
    on_missing: hold
    commands: [create, authorize]
    breaker: { max_block_rate: 20%, interval: 10m, at_least: 100 }
  - name: beta
    when: payment.amount.to("EUR") > limit("large") && !(card.country == "DE") && card.scheme.startsWith("v")
    outcome: step_up
    on_missing: pass
    score: 10
    enabled: true
  - name: gamma
    when: velocity.attempts + size(region) > 5 && context.email.matches("^a")
    outcome: hold
    on_missing: hold
    on_error: block
    shadow: true
    tests:
      - given: { velocity.attempts: 9, context.email: ann@example.com, region: eu }
        expect: hit
`

// vocabulary is the words of the language in whole: keys, fields, functions and what keys may hold.
var vocabulary = regexp.MustCompile(`\b(version|limits|lists|entries|match|bin_prefix|velocity|name|aggregate|count|events|attempt|by|window|rules|when|` +
	`outcome|block|overridable|true|on_missing|hold|commands|create|authorize|breaker|max_block_rate|interval|at_least|step_up|pass|score|enabled|` +
	`rates|base|max_age|date|from|to|rate|on_error|shadow|tests|given|expect|hit|known|list|limit|startsWith|size|matches|in|context|device_id|card|bin|country|scheme|fingerprint|payment|amount|email|region)\b`)

func compileText(text string) (*Set, error) {
	return Compile([]File{{Name: "whole.yaml", Text: []byte(text)}}, nil)
}

// misspell changes one word of the language, which stands at one of the places. line is where it stands.
func misspell(r *rand.Rand, places [][]int) (text string, line int) {
	for {
		at := places[r.IntN(len(places))]
		word := whole[at[0]:at[1]]
		i := r.IntN(len(word))
		var typo string
		switch r.IntN(4) {
		case 0:
			typo = word[:i] + word[i+1:]
		case 1:
			typo = word[:i] + word[i:i+1] + word[i:]
		case 2:
			typo = word[:i] + string(rune('a'+r.IntN(26))) + word[i+1:]
		default:
			j := min(i+1, len(word)-1)
			letters := []byte(word)
			letters[i], letters[j] = letters[j], letters[i]
			typo = string(letters)
		}
		if typo == "" || typo == word || vocabulary.MatchString(typo) || typo == "n" {
			continue
		}
		return whole[:at[0]] + typo + whole[at[1]:], 1 + strings.Count(whole[:at[0]], "\n")
	}
}

// damage changes bytes and lines without regard to what they are.
func damage(r *rand.Rand) string {
	text := whole
	for range 1 + r.IntN(2) {
		i, j := r.IntN(len(text)+1), r.IntN(len(text)+1)
		i, j = min(i, j), min(max(i, j), min(i, j)+30)
		lines := strings.SplitAfter(text, "\n")
		switch r.IntN(7) {
		case 0:
			text = text[:i] + text[j:]
		case 1:
			text = text[:i] + text[i:j] + text[i:]
		case 2:
			text = text[:i]
		case 3:
			const odd = "\x00\t\n\"'{}[]:,#&*!|>%@`-?0\\\xff\u00e9 "
			at := r.IntN(len(odd))
			text = text[:i] + odd[at:at+1] + text[i:]
		case 4:
			k := r.IntN(len(lines))
			text = strings.Join(slices.Delete(lines, k, k+1), "")
		case 5:
			k, l := r.IntN(len(lines)), r.IntN(len(lines))
			lines[k], lines[l] = lines[l], lines[k]
			text = strings.Join(lines, "")
		default:
			k := r.IntN(len(lines))
			lines[k] = strings.Repeat(" ", r.IntN(4)) + lines[k]
			text = strings.Join(lines, "")
		}
	}
	return text
}

// disguise changes what has no meaning: comments, empty lines, line ends, spaces, quotes, the order of a rule's keys.
func disguise(r *rand.Rand) string {
	lines := strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
	for range 1 + r.IntN(4) {
		i := r.IntN(len(lines))
		switch key, value, _ := strings.Cut(lines[i], ": "); r.IntN(5) {
		case 0:
			lines = slices.Insert(lines, i, strings.Repeat(" ", r.IntN(8))+"# outcome: allow")
		case 1:
			lines[i] += "   # rules: []"
		case 2:
			lines = slices.Insert(lines, i, strings.Repeat(" ", r.IntN(3)))
		case 3:
			if i > 0 && strings.HasPrefix(lines[i], "    on_missing") && strings.HasPrefix(lines[i-1], "    o") {
				lines[i], lines[i-1] = lines[i-1], lines[i]
			}
		default:
			if strings.HasSuffix(key, "when") && !strings.HasPrefix(value, "'") && !strings.Contains(value, "#") {
				value = strings.NewReplacer(" && ", "  &&   ", " > ", ">", " + ", "+").Replace(value)
				lines[i] = key + ": '" + value + "'"
			}
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	if r.IntN(3) == 0 {
		text = "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// TestTenThousandMutations: a rule file that was changed anyhow is refused, with the place of what is wrong, or loads with
// the meaning that it has. A misspelt word is never ignored.
func TestTenThousandMutations(t *testing.T) {
	original, err := compileText(whole)
	if err != nil {
		t.Fatal(err)
	}
	if _, failures := original.Test(); failures != nil {
		t.Fatal(failures)
	}
	places := vocabulary.FindAllStringIndex(whole, -1)
	var loaded atomic.Int64 // damaged and loaded
	kinds := map[string]func(r *rand.Rand) string{
		"misspelt": func(r *rand.Rand) string {
			text, line := misspell(r, places)
			_, err := compileText(text)
			var problems Problems
			if !errors.As(err, &problems) {
				return fmt.Sprintf("line %d loads, with %v:\n%s", line, err, text)
			}
			if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Line == line }) {
				return fmt.Sprintf("no problem points at line %d:\n%s\n%s", line, problems, text)
			}
			return ""
		},
		"damaged": func(r *rand.Rand) string {
			text := damage(r)
			set, err := compileText(text)
			if err == nil {
				loaded.Add(1)
				return sameAsCEL(set)
			}
			var problems Problems
			if !errors.As(err, &problems) {
				return fmt.Sprintf("%v:\n%s", err, text)
			}
			lines := strings.Count(text, "\n") + 1
			for _, p := range problems {
				if p.Line > lines || p.Line > 0 && p.Column < 1 || p.Line == 0 && strings.TrimSpace(text) != "" {
					return fmt.Sprintf("a problem without a place: %s\n%q", p, text)
				}
			}
			return ""
		},
		"disguised": func(r *rand.Rand) string {
			text := disguise(r)
			if set, err := compileText(text); err != nil || set.Hash() != original.Hash() {
				return fmt.Sprintf("it does not mean the same any more, %v:\n%s", err, text)
			}
			return ""
		},
	}
	var group sync.WaitGroup
	for kind, try := range kinds {
		group.Go(func() {
			for seed := range uint64(3_334) {
				if failure := try(rand.New(rand.NewPCG(seed, 1))); failure != "" {
					t.Errorf("%s file %d: %s", kind, seed, failure)
					return
				}
			}
		})
	}
	group.Wait()
	if n := loaded.Load(); n < 100 || n > 3_000 {
		t.Errorf("%d damaged files load: the damage is not of the right size", n)
	}
}

// sameAsCEL evaluates a set that is unlike what was meant, by its program and by CEL.
func sameAsCEL(set *Set) string {
	oracle, err := newNaive(set)
	if err != nil {
		return err.Error()
	}
	in := Input{Command: &topics.Command{Type: topics.CommandCreate, Tenant: "acme", Amount: 300_00, Currency: "EUR",
		Card: &topics.Card{BIN: "411111", Country: "FR"}}, Now: time.Unix(1_800_000_000, 0)}
	e := set.NewEvaluation()
	e.Evaluate(in)
	for i, status := range e.Results() {
		if want := oracle.result(i, in).Result; status != want {
			return fmt.Sprintf("%s: %s, CEL says %s", set.rules[i].Name, status, want)
		}
	}
	return ""
}
