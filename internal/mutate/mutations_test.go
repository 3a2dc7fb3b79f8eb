package main

import (
	"os"
	"strings"
	"testing"
)

// TestPlaces: what is to be broken is where it was. Whether it is noticed takes minutes: make mutate-ledger.
func TestPlaces(t *testing.T) {
	t.Chdir("../..")
	for _, m := range mutations() {
		list, err := m.overlay(t.TempDir())
		if err != nil {
			t.Error(err)
		} else if text, err := os.ReadFile(list); err != nil || !strings.Contains(string(text), m.file) {
			t.Errorf("%s: the overlay is %s, %v", m.breaks, text, err)
		}
		if m.new == m.old {
			t.Errorf("%s: changes nothing", m.breaks)
		}
	}
}
