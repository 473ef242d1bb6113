"""The diffusion policy: noise schedules, denoising network, reverse chain and consistency loss.

Step numbers k run from 1 (least noise) to K; arrays over steps hold step k at index k - 1.
"""
