import numpy as np
import pytest

from cadnet.data.clips import windows


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_clips_show_every_frame_and_mix_no_videos(frames):
    video = np.array([*"aaaaaaa", *"bb", "", "", *"ccccc"], dtype=object)
    clips = windows(video, frames)
    assert set(clips.reshape(-1)) == set(range(len(video)))
    for clip in clips:
        names = video[clip]
        assert len(set(names)) == 1
        steps = np.diff(clip)
        assert set(steps) <= {0, 1}
        if names[0] == "":  # a picture is a clip that stands still
            assert (steps == 0).all()
    # No more clips than are needed.
    lengths = [7, 2, 1, 1, 5]
    assert len(clips) == sum(-(-n // frames) for n in lengths)


def test_a_short_video_repeats_its_last_frame():
    assert windows(np.array(["a", "a"], dtype=object), 5).tolist() == [[0, 1, 1, 1, 1]]


def test_no_rows_are_no_clips():
    assert windows(np.array([], dtype=object), 5).shape == (0, 5)
