"""COCO with gender: official annotations, what captions say, the selected images, and a simulation of their schema."""
