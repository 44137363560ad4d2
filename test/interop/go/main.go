// Checks what Rectrail's transparency log makes with Go's own implementation, and makes the same by it to be compared. JSON in, JSON out.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type signedNote struct {
	Text string `json:"text"`
	Note string `json:"note"`
}

type root struct {
	Size int64  `json:"size"`
	Root []byte `json:"root"`
}

type inclusion struct {
	Index int64    `json:"index"`
	Size  int64    `json:"size"`
	Proof [][]byte `json:"proof"`
}

type consistency struct {
	First  int64    `json:"first"`
	Second int64    `json:"second"`
	Proof  [][]byte `json:"proof"`
}

type tile struct {
	Path  string `json:"path"`
	Bytes []byte `json:"bytes"`
}

type growth struct {
	Since int64  `json:"since"`
	Size  int64  `json:"size"`
	Tiles []tile `json:"tiles"`
}

type work struct {
	Verifier      string        `json:"verifier"`
	Secret        string        `json:"secret"`
	Notes         []signedNote  `json:"notes"`
	Leaves        [][]byte      `json:"leaves"`
	Roots         []root        `json:"roots"`
	Inclusions    []inclusion   `json:"inclusions"`
	Consistencies []consistency `json:"consistencies"`
	Growths       []growth      `json:"growths"`
}

type answer struct {
	// What of the work does not hold.
	Faults []string `json:"faults"`
	// Of a key that Go made, and the same texts signed with it and with the secret that was given.
	Verifier      string        `json:"verifier"`
	Notes         []signedNote  `json:"notes"`
	SignedByYours []string      `json:"signedByYours"`
	Roots         []root        `json:"roots"`
	Inclusions    []inclusion   `json:"inclusions"`
	Consistencies []consistency `json:"consistencies"`
	Growths       []growth      `json:"growths"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func hashOf(bytes []byte) (hash tlog.Hash) {
	if len(bytes) != len(hash) {
		must(0, fmt.Errorf("a hash of %d bytes", len(bytes)))
	}
	return tlog.Hash(bytes)
}

func hashesOf(list [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, 0, len(list))
	for _, bytes := range list {
		hashes = append(hashes, hashOf(bytes))
	}
	return hashes
}

func bytesOf(hashes []tlog.Hash) [][]byte {
	list := make([][]byte, 0, len(hashes))
	for _, hash := range hashes {
		list = append(list, hash[:])
	}
	return list
}

// Go's paths name the height of a tile, 8 here; those of C2SP do not.
func c2spPath(t tlog.Tile) string {
	return strings.Replace(t.Path(), "tile/8/", "tile/", 1)
}

func main() {
	var given work
	must(0, json.NewDecoder(os.Stdin).Decode(&given))
	made := answer{Faults: []string{}, Roots: given.Roots}
	fault := func(format string, args ...any) { made.Faults = append(made.Faults, fmt.Sprintf(format, args...)) }

	verifiers := note.VerifierList(must(note.NewVerifier(given.Verifier)))
	secret, verifier, err := note.GenerateKey(rand.Reader, "go.example/log")
	must(0, err)
	made.Verifier = verifier
	own, yours := must(note.NewSigner(secret)), must(note.NewSigner(given.Secret))
	for _, one := range given.Notes {
		opened, err := note.Open([]byte(one.Note), verifiers)
		if err != nil {
			fault("a note does not open: %v", err)
		} else if opened.Text != one.Text {
			fault("a note has the text %q, expected %q", opened.Text, one.Text)
		}
		made.Notes = append(made.Notes, signedNote{one.Text, string(must(note.Sign(&note.Note{Text: one.Text}, own)))})
		made.SignedByYours = append(made.SignedByYours, string(must(note.Sign(&note.Note{Text: one.Text}, yours))))
	}

	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, 0, len(indexes))
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for n, leaf := range given.Leaves {
		stored = append(stored, must(tlog.StoredHashes(int64(n), leaf, reader))...)
	}
	roots := map[int64]tlog.Hash{}
	for n, one := range given.Roots {
		roots[one.Size] = hashOf(one.Root)
		computed := must(tlog.TreeHash(one.Size, reader))
		made.Roots[n].Root = computed[:]
	}
	for _, one := range given.Inclusions {
		if err := tlog.CheckRecord(hashesOf(one.Proof), one.Size, roots[one.Size], one.Index, tlog.RecordHash(given.Leaves[one.Index])); err != nil {
			fault("leaf %d in %d: %v", one.Index, one.Size, err)
		}
		made.Inclusions = append(made.Inclusions, inclusion{one.Index, one.Size, bytesOf(must(tlog.ProveRecord(one.Size, one.Index, reader)))})
	}
	for _, one := range given.Consistencies {
		if err := tlog.CheckTree(hashesOf(one.Proof), one.Second, roots[one.Second], one.First, roots[one.First]); err != nil {
			fault("%d goes on in %d: %v", one.First, one.Second, err)
		}
		made.Consistencies = append(made.Consistencies, consistency{one.First, one.Second, bytesOf(must(tlog.ProveTree(one.Second, one.First, reader)))})
	}
	for _, one := range given.Growths {
		tiles := []tile{}
		for _, t := range tlog.NewTiles(8, one.Since, one.Size) {
			tiles = append(tiles, tile{c2spPath(t), must(tlog.ReadTileData(t, reader))})
		}
		slices.SortFunc(tiles, func(a, b tile) int { return strings.Compare(a.Path, b.Path) })
		made.Growths = append(made.Growths, growth{one.Since, one.Size, tiles})
	}
	must(0, json.NewEncoder(os.Stdout).Encode(made))
}
