"""Which seeds are shown where several are stored, and what is said of the others."""

import json

from paper_repro.cli import main


def test_the_page_of_one_seed_says_that_others_are_stored(here, capsys):
    assert main(["run", "fake_fig1", "--seeds", "0-2"]) == 0
    assert main(["run", "fake_fig1", "--seed", "1"]) == 0
    page = here / "results" / "index.html"
    assert "(quick, seed 1); seeds 0, 2 stored too, and not shown" in page.read_text()
    capsys.readouterr()
    assert main(["report", "--seeds", "0-2"]) == 0
    assert capsys.readouterr().err == ""
    assert "not shown" not in page.read_text()
    for command in ("report", "compare"):
        assert main([command]) == 0
        assert capsys.readouterr().err == (
            "note: fake_fig1 (quick, seed 1): seeds 0, 2 stored too, and not shown; --seeds 0-2 scores them together\n"
        )
    assert "seeds 0, 2 stored too, and not shown" in page.read_text()
    assert main(["compare", "--seed", "1"]) == 0
    assert capsys.readouterr().err == ""


def test_results_of_other_data_are_no_other_seeds(here, capsys):
    (here / "a.npy").write_text("good")
    assert main(["run", "fake_own", "--seed", "1"]) == 0
    assert main(["run", "fake_own", "--data", "a.npy"]) == 0
    capsys.readouterr()
    assert main(["report"]) == 0
    assert capsys.readouterr().err == ""


def test_json_of_seeds_that_are_not_stored_is_empty_and_says_so(here, capsys):
    assert main(["run", "fake_fig1", "--seeds", "0-1"]) == 0
    capsys.readouterr()
    assert main(["compare", "--json", "--seeds", "5-6"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert err == "note: nothing has been computed with seeds 5-6 under 'results'; `paper-repro run` does that\n"
